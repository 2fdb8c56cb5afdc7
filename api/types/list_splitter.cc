#include "api/types/list_splitter.h"

#include <cstring>

namespace dray::api {
namespace {

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

Status Broken(std::string why) {
  return Status(Reason::kBadRequest, "not valid JSON: " + std::move(why));
}

}  // namespace

size_t ListSplitter::ScanValue(std::string_view piece, size_t at) {
  const char* begin = piece.data();
  const size_t size = piece.size();
  if (scan_.first == 0) scan_ = {.first = piece[at]};
  const bool nested = scan_.first == '{' || scan_.first == '[';
  if (!nested &&
      scan_.first != '"') {  // a number, true, false, null: ends where something else begins
    while (at < size && !IsSpace(begin[at]) && std::strchr(",:]}", begin[at]) == nullptr) ++at;
    return at < size ? at : std::string_view::npos;
  }
  while (at < size) {
    if (scan_.in_text) {
      if (scan_.escaped) {
        scan_.escaped = false;
        ++at;
        continue;
      }
      while (at < size && begin[at] != '"' && begin[at] != '\\') ++at;
      if (at == size) break;
      if (begin[at++] == '\\') {
        scan_.escaped = true;
        continue;
      }
      scan_.in_text = false;
      if (!nested) return at;
      continue;
    }
    switch (begin[at++]) {
      case '"':
        scan_.in_text = true;
        break;
      case '{':
      case '[':
        ++scan_.depth;
        break;
      case '}':
      case ']':
        if (--scan_.depth == 0) return at;
        break;
      default:
        break;
    }
  }
  return std::string_view::npos;
}

Status ListSplitter::EndOfPart(std::string_view text) {
  switch (expect_) {
    case Expect::kKey:
    case Expect::kKeyOrClose:
      key_ = text.substr(1, text.size() - 2);
      expect_ = Expect::kColon;
      return Ok();
    case Expect::kMember:
      expect_ = Expect::kCommaOrClose;
      if (key_ != "items") return parts_.other(key_, text);
      has_items_ = true;
      if (text != "null") return Status(Reason::kInvalid, "items: want a list");
      return Ok();
    default:
      expect_ = Expect::kItemCommaOrClose;
      return parts_.item(text, items_++);
  }
}

Status ListSplitter::Feed(std::string_view piece) {
  for (size_t at = 0; at < piece.size();) {
    const char c = piece[at];
    if (scan_.first == 0 && IsSpace(c)) {
      ++at;
      continue;
    }
    if (scan_.first == 0) {
      const bool closes =
          (c == '}' && (expect_ == Expect::kKeyOrClose || expect_ == Expect::kCommaOrClose)) ||
          (c == ']' && (expect_ == Expect::kItemOrClose || expect_ == Expect::kItemCommaOrClose));
      if (closes) {
        expect_ = c == '}' ? Expect::kEnd : Expect::kCommaOrClose;
        ++at;
        continue;
      }
      auto step = [&](char wanted, Expect next) {
        if (c == wanted) expect_ = next;
        ++at;
        return c == wanted;
      };
      bool plain = true, right = true;
      switch (expect_) {
        case Expect::kOpen:
          right = step('{', Expect::kKeyOrClose);
          if (!right) return Status(Reason::kInvalid, "want an object");
          break;
        case Expect::kColon:
          right = step(':', Expect::kMember);
          break;
        case Expect::kCommaOrClose:
          right = step(',', Expect::kKey);
          break;
        case Expect::kItemCommaOrClose:
          right = step(',', Expect::kItem);
          break;
        case Expect::kEnd:
          return Broken("something follows the object");
        case Expect::kMember:
          if (key_ == "items" && c == '[') {
            has_items_ = true;
            expect_ = Expect::kItemOrClose;
            ++at;
          } else {
            plain = false;
          }
          break;
        default:
          plain = false;
          break;
      }
      if (!right) return Broken(std::string("unexpected '") + c + "' in a list");
      if (plain) continue;
      const bool key = expect_ == Expect::kKey || expect_ == Expect::kKeyOrClose;
      if (key ? c != '"' : std::strchr(",:]}", c) != nullptr)
        return Broken(std::string("unexpected '") + c + "' in a list");
    }
    const size_t end = ScanValue(piece, at);
    if (end == std::string_view::npos) {
      held_.append(piece, at);
      if (held_.size() > kLongestPart)
        return Status(Reason::kTooLarge, "one element of a list is longer than 64 MiB");
      return Ok();
    }
    scan_.first = 0;
    std::string_view text = piece.substr(at, end - at);
    if (!held_.empty()) text = held_.append(text);
    DRAY_RETURN_IF_ERROR(EndOfPart(text));
    held_.clear();
    at = end;
  }
  return Ok();
}

Status ListSplitter::Finish() const {
  return expect_ == Expect::kEnd ? Ok() : Broken("the list is cut short");
}

}  // namespace dray::api
