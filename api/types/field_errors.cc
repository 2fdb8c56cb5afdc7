#include "api/types/field_errors.h"

#include <algorithm>

namespace dray::api {
namespace {

std::string Quoted(std::string_view value) {
  return "\"" + std::string(value) + "\"";
}

}  // namespace

void FieldErrors::Add(std::string_view reason, std::string_view what, const FieldPath& path,
                      std::string value, std::string_view detail) {
  std::string message(what);
  if (!value.empty()) message += ": " + value;
  if (!detail.empty()) message.append(": ").append(detail);
  causes_.push_back({std::string(reason), std::move(message), path.text()});
}

void FieldErrors::Required(const FieldPath& path, std::string_view detail) {
  Add("FieldValueRequired", "Required value", path, "", detail);
}
void FieldErrors::Invalid(const FieldPath& path, std::string_view value, std::string_view detail) {
  Add("FieldValueInvalid", "Invalid value", path, Quoted(value), detail);
}
void FieldErrors::Invalid(const FieldPath& path, int64_t value, std::string_view detail) {
  Add("FieldValueInvalid", "Invalid value", path, std::to_string(value), detail);
}
void FieldErrors::Invalid(const FieldPath& path, const Quantity& value, std::string_view detail) {
  Add("FieldValueInvalid", "Invalid value", path, Quoted(value.ToString()), detail);
}
void FieldErrors::NotSupported(const FieldPath& path, std::string_view value,
                               std::initializer_list<std::string_view> supported) {
  std::string detail = "supported values: ";
  for (std::string_view one : supported)
    detail += (detail.ends_with(": ") ? "" : ", ") + Quoted(one);
  Add("FieldValueNotSupported", "Unsupported value", path, Quoted(value), detail);
}
void FieldErrors::Forbidden(const FieldPath& path, std::string_view detail) {
  Add("FieldValueForbidden", "Forbidden", path, "", detail);
}
void FieldErrors::Duplicate(const FieldPath& path, std::string_view value) {
  Add("FieldValueDuplicate", "Duplicate value", path, Quoted(value), "");
}
void FieldErrors::NotFound(const FieldPath& path, std::string_view value) {
  Add("FieldValueNotFound", "Not found", path, Quoted(value), "");
}
void FieldErrors::TooLong(const FieldPath& path, size_t most) {
  Add("FieldValueTooLong", "Too long", path, "",
      "may not be more than " + std::to_string(most) + " bytes");
}
void FieldErrors::TooMany(const FieldPath& path, size_t count, size_t most) {
  Add("FieldValueTooMany", "Too many", path, std::to_string(count),
      "must have at most " + std::to_string(most) + " items");
}
void FieldErrors::Immutable(const FieldPath& path) {
  Add("FieldValueInvalid", "Invalid value", path, "", "field is immutable");
}

void FieldErrors::OneOf(const FieldPath& path, std::string_view value,
                        std::initializer_list<std::string_view> supported) {
  if (std::find(supported.begin(), supported.end(), value) != supported.end()) return;
  if (value.empty())
    Required(path);
  else
    NotSupported(path, value, supported);
}

void FieldErrors::Append(const FieldErrors& other) {
  causes_.insert(causes_.end(), other.causes_.begin(), other.causes_.end());
}

Status FieldErrors::For(const KindInfo& kind, const ObjectMeta& meta) const {
  if (causes_.empty()) return Ok();
  std::string faults;
  for (const Cause& cause : causes_) {
    if (!faults.empty()) faults += ", ";
    faults += cause.field + ": " + cause.message;
  }
  if (causes_.size() > 1) faults = "[" + faults + "]";
  std::string subject(kind.kind);
  if (!kind.group.empty()) subject.append(".").append(kind.group);
  Status status(Reason::kInvalid, subject + " \"" +
                                      (meta.name.empty() ? meta.generate_name : meta.name) +
                                      "\" is invalid: " + faults);
  status.causes = causes_;
  return status;
}

}  // namespace dray::api
