#pragma once

#include <string>
#include <vector>

namespace dray::cli {

// Columns as kubectl prints them: left aligned, three spaces between, no trailing space.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void Add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.size() == 1; }
  std::string Text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// "####......" of `width` cells for a share of 0 to 1.
std::string Bar(double share, int width);

}  // namespace dray::cli
