#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controllers/monitor/deflated.h"

namespace dray::controllers {

// Labels as they stand in the text: {a="1",b="2"}, values escaped. Made once per device, used by
// many samples.
std::string LabelText(std::initializer_list<std::pair<std::string_view, std::string_view>> labels);

// Prometheus' text format 0.0.4 of gauges that are computed for one scrape: tens of thousands of
// devices go straight into text, no registry keeps them.
class Exposition {
 public:
  enum class Form {
    kText,
    kDeflated,  // each family is compressed as it grows: for hundreds of megabytes of text
  };
  explicit Exposition(Form form = Form::kText) : form_(form) {}

  // Declares a family; samples of it may come in any order.
  size_t Family(std::string_view name, std::string_view help);
  void Sample(size_t family, std::string_view labels, double value);
  // Families without a sample are left out.
  std::string Text() const;  // of kText
  DeflatedText Deflated();   // of kDeflated, once

 private:
  struct Kept {
    std::string name, help;
    std::string samples;  // as far as they are not compressed, from the head on
    std::optional<Deflater> deflater;
  };
  const Form form_;
  std::vector<Kept> families_;
};

// hami_build_info and dray_build_info.
std::string BuildInfoText();

}  // namespace dray::controllers
