#include "api/types/scalars.h"

#include "dray/base/base64.h"

namespace dray::api {

bool IsText(Shape shape) {
  switch (shape) {
    case Shape::kString:
    case Shape::kBytes:
    case Shape::kQuantity:
    case Shape::kTime:
    case Shape::kMicroTime:
      return true;
    default:
      return false;
  }
}

Status ReadText(Shape shape, std::string_view text, void* out) {
  switch (shape) {
    case Shape::kString:
      static_cast<std::string*>(out)->assign(text);
      return Ok();
    case Shape::kBytes: {
      std::optional<std::string> bytes = DecodeBase64(text);
      if (!bytes) return Status(Reason::kInvalid, "want base64");
      *static_cast<std::string*>(out) = std::move(*bytes);
      return Ok();
    }
    case Shape::kQuantity: {
      size_t first = text.find_first_not_of(" \t\r\n"), last = text.find_last_not_of(" \t\r\n");
      if (first != std::string_view::npos) text = text.substr(first, last - first + 1);
      DRAY_ASSIGN_OR_RETURN(*static_cast<Quantity*>(out), Quantity::Parse(text));
      return Ok();
    }
    case Shape::kTime: {
      DRAY_ASSIGN_OR_RETURN(WallTime time, ParseTime(text));
      *static_cast<Time*>(out) = ToTime(time);
      return Ok();
    }
    case Shape::kMicroTime: {
      DRAY_ASSIGN_OR_RETURN(WallTime time, ParseTime(text));
      *static_cast<MicroTime*>(out) = ToMicroTime(time);
      return Ok();
    }
    default:
      return Status(Reason::kInvalid, "want " + std::string(Wanted(shape)));
  }
}

std::string WriteText(Shape shape, const void* value) {
  switch (shape) {
    case Shape::kBytes:
      return EncodeBase64(*static_cast<const std::string*>(value));
    case Shape::kQuantity:
      return static_cast<const Quantity*>(value)->ToString();
    case Shape::kTime:
      return FormatTime(*static_cast<const Time*>(value));
    case Shape::kMicroTime:
      return FormatMicroTime(*static_cast<const MicroTime*>(value));
    default:
      return *static_cast<const std::string*>(value);
  }
}

std::string_view Wanted(Shape shape) {
  switch (shape) {
    case Shape::kBool:
      return "true or false";
    case Shape::kInt32:
    case Shape::kInt64:
      return "an integer";
    case Shape::kIntOrString:
      return "an integer or a string";
    case Shape::kBoolList:
    case Shape::kList:
      return "a list";
    case Shape::kMap:
    case Shape::kStruct:
      return "an object";
    case Shape::kQuantity:
      return "a quantity";
    default:
      return "a string";
  }
}

bool PathError::InField(std::string_view name) {
  bool joint = !path_.empty() && path_[0] != '[';
  path_.insert(0, joint ? "." : "").insert(0, name);
  return false;
}

bool PathError::InElement(size_t index) {
  return InKey(std::to_string(index));
}

bool PathError::InKey(std::string_view key) {
  bool joint = !path_.empty() && path_[0] != '[';
  path_.insert(0, joint ? "]." : "]").insert(0, key).insert(0, "[");
  return false;
}

Status PathError::Get() const {
  if (path_.empty()) return status_;
  Status status = status_.Wrapped(path_);
  status.causes.push_back({"FieldValueInvalid", status_.message(), path_});
  return status;
}

}  // namespace dray::api
