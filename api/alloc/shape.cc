#include "api/alloc/requests.h"

namespace dray::alloc {
namespace {

// Values with their lengths, so that no two different claims write the same text.
class Writer {
 public:
  void Text(std::string_view value) {
    Number(static_cast<int64_t>(value.size()));
    text_ += value;
  }
  // Mostly in one byte: 255 says that eight follow.
  void Number(int64_t value) {
    const bool small = value >= 0 && value < 255;
    text_.push_back(static_cast<char>(small ? value : 255));
    if (!small) text_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  Writer() { text_.reserve(512); }
  template <class List, class Write>
  void Each(const List& list, Write write) {
    Number(static_cast<int64_t>(list.size()));
    for (const auto& item : list) write(item);
  }
  template <class T>
  void Request(const T& request) {
    Text(request.device_class_name);
    Text(request.allocation_mode);
    Number(request.count);
    Each(request.selectors,
         [&](const api::DeviceSelector& s) { Text(s.cel ? s.cel->expression : std::string()); });
    Each(request.tolerations, [&](const api::DeviceToleration& t) {
      for (const std::string* part : {&t.key, &t.op, &t.value, &t.effect}) Text(*part);
      Number(t.toleration_seconds.value_or(-1));
    });
    static const std::map<std::string, api::Quantity> kNone;
    Each(request.capacity ? request.capacity->requests : kNone, [&](const auto& entry) {
      Text(entry.first);
      Number(static_cast<int64_t>(entry.second.nanos()));
      Number(static_cast<int64_t>(entry.second.nanos() >> 64));
      Number(static_cast<int64_t>(entry.second.format()));  // results repeat what was asked for
    });
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace

std::string ShapeText(std::span<const api::ResourceClaim* const> claims) {
  Writer writer;
  auto text = [&](const std::string& value) { writer.Text(value); };
  for (const api::ResourceClaim* claim : claims) {
    writer.Each(claim->spec.devices.requests, [&](const api::DeviceRequest& request) {
      text(request.name);  // constraints refer to names
      writer.Number(request.exactly ? 1 + request.exactly->admin_access.value_or(false) : 0);
      if (request.exactly) writer.Request(*request.exactly);
      writer.Each(request.first_available, [&](const api::DeviceSubRequest& sub) {
        text(sub.name);
        writer.Request(sub);
      });
    });
    writer.Each(claim->spec.devices.constraints, [&](const api::DeviceConstraint& constraint) {
      writer.Each(constraint.requests, text);
      writer.Number(constraint.match_attribute ? 1 : 0);
      text(constraint.match_attribute.value_or(constraint.distinct_attribute.value_or("")));
    });
  }
  return writer.Take();
}

}  // namespace dray::alloc
