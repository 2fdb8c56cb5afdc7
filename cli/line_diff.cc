#include "cli/line_diff.h"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace dray::cli {
namespace {

constexpr size_t kContextLines = 3;

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return lines;
}

struct DiffLine {
  char sign;  // ' ', '-', '+'
  std::string_view text;
};

// The longest common subsequence of what lies between the equal ends.
std::vector<DiffLine> Compare(const std::vector<std::string_view>& a,
                              const std::vector<std::string_view>& b) {
  size_t head = 0, tail = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) ++head;
  while (tail < a.size() - head && tail < b.size() - head &&
         a[a.size() - 1 - tail] == b[b.size() - 1 - tail])
    ++tail;
  const size_t rows = a.size() - head - tail, columns = b.size() - head - tail;
  std::vector<uint32_t> longest((rows + 1) * (columns + 1), 0);
  auto at = [&](size_t i, size_t j) -> uint32_t& { return longest[i * (columns + 1) + j]; };
  for (size_t i = rows; i-- > 0;)
    for (size_t j = columns; j-- > 0;)
      at(i, j) =
          a[head + i] == b[head + j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));

  std::vector<DiffLine> lines;
  for (size_t i = 0; i < head; ++i) lines.push_back({' ', a[i]});
  size_t i = 0, j = 0;
  while (i < rows || j < columns) {
    if (i < rows && j < columns && a[head + i] == b[head + j]) {
      lines.push_back({' ', a[head + i]});
      ++i, ++j;
    } else if (i < rows && (j == columns || at(i + 1, j) >= at(i, j + 1))) {
      lines.push_back({'-', a[head + i++]});
    } else {
      lines.push_back({'+', b[head + j++]});
    }
  }
  for (size_t k = a.size() - tail; k < a.size(); ++k) lines.push_back({' ', a[k]});
  return lines;
}

std::string Range(size_t first, size_t count) {
  return std::to_string(count == 0 ? first : first + 1) + "," + std::to_string(count);
}

}  // namespace

std::string LineDiff(std::string_view before_name, std::string_view before,
                     std::string_view after_name, std::string_view after) {
  if (before == after) return "";
  const std::vector<DiffLine> lines = Compare(LinesOf(before), LinesOf(after));
  std::string out = "--- " + std::string(before_name) + "\n+++ " + std::string(after_name) + "\n";
  size_t old_line = 0, new_line = 0;  // of lines[next]
  for (size_t next = 0; next < lines.size();) {
    size_t change = next;
    while (change < lines.size() && lines[change].sign == ' ') ++change;
    if (change == lines.size()) break;
    const size_t begin = std::max(next, change - std::min(change, kContextLines));
    // The hunk ends where more than twice the context is equal.
    size_t end = change, equal = 0;
    for (size_t k = change; k < lines.size() && equal <= 2 * kContextLines; ++k) {
      equal = lines[k].sign == ' ' ? equal + 1 : 0;
      if (equal == 0) end = k + 1;
    }
    end = std::min(lines.size(), end + kContextLines);
    old_line += begin - next;
    new_line += begin - next;
    size_t old_count = 0, new_count = 0;
    std::string body;
    for (size_t k = begin; k < end; ++k) {
      old_count += lines[k].sign != '+';
      new_count += lines[k].sign != '-';
      body += lines[k].sign + std::string(lines[k].text) + "\n";
    }
    out += "@@ -" + Range(old_line, old_count) + " +" + Range(new_line, new_count) + " @@\n" + body;
    old_line += old_count;
    new_line += new_count;
    next = end;
  }
  return out;
}

}  // namespace dray::cli
