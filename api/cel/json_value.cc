#include "api/cel/json_value.h"

#include <nlohmann/json.hpp>

#include "api/cel/object_pool.h"

namespace dray::cel {
namespace {

class JsonMap final : public Map {
 public:
  explicit JsonMap(const Json::object_t& members) : members_(members) {}

  size_t size() const override { return members_.size(); }
  Value KeyAt(size_t index) const override { return Value::BorrowedString(At(index).first); }
  Value ValueAt(size_t index) const override { return JsonValue(At(index).second); }
  bool Find(const Value& key, Value& found) const override {
    return key.is(Kind::kString) && FindNamed(key.as_string(), found);
  }
  bool FindNamed(std::string_view name, Value& found) const override {
    const auto member = members_.find(name);
    if (member == members_.end()) return false;
    found = JsonValue(member->second);
    return true;
  }

 private:
  // Members by their number, once a loop asks for one.
  const Json::object_t::value_type& At(size_t index) const {
    if (numbered_.empty())
      for (const auto& member : members_) numbered_.push_back(&member);
    return *numbered_[index];
  }

  const Json::object_t& members_;
  mutable PoolVector<const Json::object_t::value_type*> numbered_;
};

}  // namespace

Value JsonValue(const Json& document) {
  switch (document.type()) {
    case Json::value_t::boolean:
      return Value::Bool(document.get<bool>());
    case Json::value_t::number_integer:
      return Value::Int(document.get<int64_t>());
    case Json::value_t::number_unsigned: {
      const auto number = document.get<uint64_t>();
      return number <= INT64_MAX ? Value::Int(static_cast<int64_t>(number))
                                 : Value::Double(static_cast<double>(number));
    }
    case Json::value_t::number_float:
      return Value::Double(document.get<double>());
    case Json::value_t::string:
      return Value::BorrowedString(document.get_ref<const std::string&>());
    case Json::value_t::object:
      return Value::Of(Make<JsonMap>(document.get_ref<const Json::object_t&>()));
    case Json::value_t::array: {
      PoolVector<Value> items;
      for (const Json& item : document) items.push_back(JsonValue(item));
      return Value::Of(Make<List>(items));
    }
    default:
      return Value::Null();
  }
}

}  // namespace dray::cel
