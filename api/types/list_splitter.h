#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "dray/base/status.h"

namespace dray::api {

// Cuts a JSON object that arrives in pieces into the text of each element of its list "items" and
// of its other members, so that of a long list never more than one element is held. Looks at
// brackets, quotes and separators alone; what stands inside of an element or member is checked by
// whoever decodes its text.
class ListSplitter {
 public:
  // Longer elements are refused: no object of Kubernetes comes near.
  static constexpr size_t kLongestPart = size_t{64} << 20;

  // The text is valid during the call; an error ends the list. `member`: its name as written,
  // without quotes.
  struct Parts {
    std::function<Status(std::string_view text, size_t index)> item;
    std::function<Status(std::string_view member, std::string_view text)> other;
  };
  explicit ListSplitter(Parts parts) : parts_(std::move(parts)) {}

  Status Feed(std::string_view piece);
  // After the last piece: kBadRequest when the object has not ended.
  Status Finish() const;

  bool has_items() const { return has_items_; }  // the member was there, perhaps as null
  size_t held() const { return held_.size(); }   // bytes of the part that has begun

 private:
  enum class Expect {
    kOpen,
    kKeyOrClose,
    kKey,
    kColon,
    kMember,
    kCommaOrClose,
    kItemOrClose,
    kItem,
    kItemCommaOrClose,
    kEnd
  };

  // Where a value that has begun ends.
  struct Scan {
    char first = 0;  // of its text; 0: no value has begun
    int depth = 0;
    bool in_text = false, escaped = false;
  };
  // One past the end of the value that has begun at or before `at`; npos when it goes on in the
  // next piece.
  size_t ScanValue(std::string_view piece, size_t at);
  Status EndOfPart(std::string_view text);

  Parts parts_;
  Expect expect_ = Expect::kOpen;
  Scan scan_;
  std::string held_;  // the part that has begun, as far as it came in earlier pieces
  std::string key_;
  size_t items_ = 0;
  bool has_items_ = false;
};

}  // namespace dray::api
