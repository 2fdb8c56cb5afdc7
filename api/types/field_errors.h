#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "dray/api/quantity.h"
#include "dray/api/types/meta.h"
#include "dray/base/status.h"

// Collects the faults of one object in the form that kube-apiserver gives them.
namespace dray::api {

// spec.devices.requests[0].name, built on the way down.
class FieldPath {
 public:
  FieldPath() = default;
  explicit FieldPath(std::string_view root) : text_(root) {}
  FieldPath operator/(std::string_view child) const {
    return FieldPath(text_.empty() ? std::string(child) : text_ + "." + std::string(child));
  }
  FieldPath operator[](size_t index) const {
    return FieldPath(text_ + "[" + std::to_string(index) + "]");
  }
  FieldPath Key(std::string_view key) const {
    return FieldPath(text_ + "[" + std::string(key) + "]");
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

class FieldErrors {
 public:
  void Required(const FieldPath& path, std::string_view detail = "");
  void Invalid(const FieldPath& path, std::string_view value, std::string_view detail);
  void Invalid(const FieldPath& path, int64_t value, std::string_view detail);
  void Invalid(const FieldPath& path, const Quantity& value, std::string_view detail);
  void NotSupported(const FieldPath& path, std::string_view value,
                    std::initializer_list<std::string_view> supported);
  void Forbidden(const FieldPath& path, std::string_view detail);
  void Duplicate(const FieldPath& path, std::string_view value);
  void NotFound(const FieldPath& path, std::string_view value);
  void TooLong(const FieldPath& path, size_t most);
  void TooMany(const FieldPath& path, size_t count, size_t most);
  void Immutable(const FieldPath& path);

  // A member that must be one of `supported`; the empty text passes only when listed.
  void OneOf(const FieldPath& path, std::string_view value,
             std::initializer_list<std::string_view> supported);

  bool empty() const { return causes_.empty(); }
  void Append(const FieldErrors& other);

  // ok, or kInvalid: `Kind.group "name" is invalid: fault` or `[fault, fault]`.
  Status For(const KindInfo& kind, const ObjectMeta& meta) const;

 private:
  void Add(std::string_view reason, std::string_view what, const FieldPath& path, std::string value,
           std::string_view detail);

  std::vector<Cause> causes_;
};

}  // namespace dray::api
