#include "api/types/decoder.h"

// Without NDEBUG simdjson checks its own steps at every value.
#ifndef NDEBUG
#define NDEBUG
#include <simdjson.h>
#undef NDEBUG
#else
#include <simdjson.h>
#endif

#include <limits>

#include "api/types/scalars.h"

namespace dray::api {
namespace {

namespace ondemand = simdjson::ondemand;

constexpr std::string_view kResourceGroup = "resource.k8s.io";
constexpr std::string_view kBeta1 = "resource.k8s.io/v1beta1";

class Reader {
 public:
  bool beta1 = false;
  PathError error;

  bool Value(ondemand::value value, const TypeInfo& type, void* out) {
    if (value.is_null()) return true;  // as absent
    switch (type.shape) {
      case Shape::kBool:
        return Take(value.get_bool(), value, type.shape, static_cast<bool*>(out));
      case Shape::kInt32: {
        int64_t wide = 0;
        if (!Take(value.get_int64(), value, type.shape, &wide)) return false;
        if (wide < std::numeric_limits<int32_t>::min() ||
            wide > std::numeric_limits<int32_t>::max())
          return error.Set(Reason::kInvalid, std::to_string(wide) + " is out of range");
        *static_cast<int32_t*>(out) = static_cast<int32_t>(wide);
        return true;
      }
      case Shape::kInt64:
        return Take(value.get_int64(), value, type.shape, static_cast<int64_t*>(out));
      case Shape::kRaw:
        return Raw(value, static_cast<std::string*>(out));
      case Shape::kIntOrString: {
        auto& either = *static_cast<IntOrString*>(out);
        if (TypeOfValue(value) == ondemand::json_type::number)
          return Take(value.get_int64(), value, type.shape, &either.value.emplace<int64_t>());
        std::string_view text;
        if (!Take(value.get_string(), value, type.shape, &text)) return false;
        either.value = std::string(text);
        return true;
      }
      case Shape::kQuantity:
        if (TypeOfValue(value) == ondemand::json_type::number) {
          std::string_view token = value.raw_json_token();
          return Text(token.substr(0, token.find_last_not_of(" \t\r\n") + 1), type.shape, out);
        }
        [[fallthrough]];
      case Shape::kString:
      case Shape::kBytes:
      case Shape::kTime:
      case Shape::kMicroTime: {
        std::string_view text;
        return Take(value.get_string(), value, type.shape, &text) && Text(text, type.shape, out);
      }
      case Shape::kOptional:
        return Value(value, *type.element, type.add(out, {}));
      case Shape::kBoolList:
      case Shape::kList:
        return List(value, type, out);
      case Shape::kMap:
        return Map(value, type, out);
      case Shape::kStruct: {
        ondemand::object object;
        return Take(value.get_object(), value, type.shape, &object) && Struct(object, type, out);
      }
    }
    return false;
  }

  bool Struct(ondemand::object object, const TypeInfo& type, void* out) {
    size_t expected = 0;
    for (auto entry : object) {
      ondemand::field field;
      std::string_view key;
      if (auto code = std::move(entry).get(field)) return Malformed(code);
      if (auto code = field.unescaped_key().get(key)) return Malformed(code);
      const FieldInfo* info = Find(type, key, expected);
      if (info == nullptr) continue;
      if (!Member(field.value(), *info, type, out)) return error.InField(info->name);
    }
    if (beta1 && type.after_beta1 != nullptr) type.after_beta1(out);
    return true;
  }

  bool Malformed(simdjson::error_code code) {
    return error.Set(Reason::kBadRequest,
                     std::string("not valid JSON: ") + simdjson::error_message(code));
  }

 private:
  // Servers write in the order of the table: begin behind the last hit.
  const FieldInfo* Find(const TypeInfo& type, std::string_view key, size_t& expected) const {
    for (size_t tried = 0; tried < type.fields.size(); ++tried) {
      if (expected == type.fields.size()) expected = 0;
      const FieldInfo& field = type.fields[expected++];
      if (field.name == key && (!field.beta1 || beta1)) return &field;
    }
    return nullptr;
  }

  bool Member(ondemand::value value, const FieldInfo& info, const TypeInfo& owner, void* out) {
    if (value.is_null()) return true;
    void* member = info.write(out);
    if (member == nullptr) return error.Set(Reason::kInvalid, "exactly one value may be set");
    return Value(value, info.type != nullptr ? *info.type : owner, member);
  }

  bool List(ondemand::value value, const TypeInfo& type, void* out) {
    ondemand::array array;
    if (!Take(value.get_array(), value, type.shape, &array)) return false;
    auto* bools = type.shape == Shape::kBoolList ? static_cast<std::vector<bool>*>(out) : nullptr;
    bools != nullptr ? bools->clear() : type.clear(out);
    size_t index = 0;
    for (auto entry : array) {
      ondemand::value element;
      if (auto code = std::move(entry).get(element)) return Malformed(code);
      if (bools != nullptr) {
        bool each = false;
        if (!Take(element.get_bool(), element, Shape::kBool, &each)) return error.InElement(index);
        bools->push_back(each);
      } else if (!Value(element, *type.element, type.add(out, {}))) {
        return error.InElement(index);
      }
      ++index;
    }
    return true;
  }

  bool Map(ondemand::value value, const TypeInfo& type, void* out) {
    ondemand::object object;
    if (!Take(value.get_object(), value, type.shape, &object)) return false;
    type.clear(out);
    for (auto entry : object) {
      ondemand::field field;
      std::string_view key;
      if (auto code = std::move(entry).get(field)) return Malformed(code);
      if (auto code = field.unescaped_key().get(key)) return Malformed(code);
      if (!Value(field.value(), *type.element, type.add(out, key))) return error.InKey(key);
    }
    return true;
  }

  bool Raw(ondemand::value& value, std::string* out) {
    std::string_view text;
    if (auto code = simdjson::to_json_string(value).get(text)) return Malformed(code);
    out->assign(text);
    return true;
  }

  bool Text(std::string_view text, Shape shape, void* out) {
    Status status = ReadText(shape, text, out);
    return status.ok() || error.Set(status.reason(), status.message());
  }

  static ondemand::json_type TypeOfValue(ondemand::value& value) {
    ondemand::json_type type = ondemand::json_type::null;
    return value.type().get(type) ? ondemand::json_type::null : type;
  }

  template <class T>
  bool Take(simdjson::simdjson_result<T> result, ondemand::value& value, Shape shape, T* out) {
    simdjson::error_code code = std::move(result).get(*out);
    if (code == simdjson::SUCCESS) return true;
    std::string want = "want " + std::string(Wanted(shape));
    switch (TypeOfValue(value)) {
      case ondemand::json_type::array:
        return error.Set(Reason::kInvalid, want + ", got a list");
      case ondemand::json_type::object:
        return error.Set(Reason::kInvalid, want + ", got an object");
      case ondemand::json_type::string:
        if (shape == Shape::kString || IsText(shape)) return Malformed(code);
        return error.Set(Reason::kInvalid, want + ", got a string");
      case ondemand::json_type::boolean:
        return shape == Shape::kBool ? Malformed(code)
                                     : error.Set(Reason::kInvalid, want + ", got a boolean");
      case ondemand::json_type::number: {
        std::string_view token = value.raw_json_token();
        return error.Set(
            Reason::kInvalid,
            want + ", got " + std::string(token.substr(0, token.find_first_of(" \t\r\n"))));
      }
      default:
        return Malformed(code);
    }
  }
};

// simdjson wants readable bytes behind the text and memory for its index. Both are kept per thread,
// unless the document was a big one.
class Document {
 public:
  explicit Document(std::string_view json) {
    thread_local Memory kept;
    constexpr size_t kKeep = 4u << 20;
    Memory& memory = json.size() <= kKeep ? kept : own_;
    memory.text.reserve(json.size() + simdjson::SIMDJSON_PADDING);
    memory.text.assign(json);
    code_ = memory.parser.iterate(memory.text.data(), json.size(), memory.text.capacity())
                .get(document_);
  }

  ondemand::document& get() { return document_; }
  simdjson::error_code code() const { return code_; }

  // The root as an object.
  bool Root(Reader& reader, ondemand::object& root) {
    if (code_) return reader.Malformed(code_);
    if (simdjson::error_code code = document_.get_object().get(root)) {
      if (code == simdjson::INCORRECT_TYPE)
        return reader.error.Set(Reason::kInvalid, "want an object");
      return reader.Malformed(code);
    }
    return true;
  }
  // After the root was read: nothing may follow.
  bool End(Reader& reader) {
    const char* rest = nullptr;
    return document_.current_location().get(rest) == simdjson::OUT_OF_BOUNDS ||
           reader.error.Set(Reason::kBadRequest, "not valid JSON: something follows the object");
  }

 private:
  struct Memory {
    std::string text;
    ondemand::parser parser;
  };
  Memory own_;
  ondemand::document document_;
  simdjson::error_code code_;
};

// A string member of `object`, which starts anew afterwards; "" when there is none. Takes the text
// without unescaping, because simdjson's buffer has room for every string only once.
std::string Peek(ondemand::object& object, std::string_view name) {
  ondemand::value value;
  std::string_view token;
  if (!object.find_field_unordered(name).get(value)) token = value.raw_json_token();
  (void)object.reset();
  size_t close = token.rfind('"');
  return close == std::string_view::npos || close == 0 ? ""
                                                       : std::string(token.substr(1, close - 1));
}

bool ReadItems(Reader& reader, ondemand::value value, const TypeInfo& list, void* items,
               bool ask_each) {
  ondemand::array array;
  if (value.get_array().get(array)) return reader.error.Set(Reason::kInvalid, "want a list");
  size_t index = 0;
  for (auto entry : array) {
    ondemand::object object;
    simdjson::error_code code = entry.get_object().get(object);
    if (code == simdjson::INCORRECT_TYPE)
      return reader.error.Set(Reason::kInvalid, "want an object") || reader.error.InElement(index);
    if (code) return reader.Malformed(code);
    if (ask_each) reader.beta1 = Peek(object, "apiVersion") == kBeta1;
    if (!reader.Struct(object, *list.element, list.add(items, {})))
      return reader.error.InElement(index);
    ++index;
  }
  return true;
}

bool ReadListMeta(Reader& reader, ondemand::object object, ListMeta& meta) {
  for (auto entry : object) {
    ondemand::field field;
    std::string_view key;
    if (auto code = std::move(entry).get(field)) return reader.Malformed(code);
    if (auto code = field.unescaped_key().get(key)) return reader.Malformed(code);
    bool read = true;
    if (key == "resourceVersion")
      read = reader.Value(field.value(), TypeOf<std::string>::value, &meta.resource_version);
    else if (key == "continue")
      read = reader.Value(field.value(), TypeOf<std::string>::value, &meta.continue_token);
    else if (key == "remainingItemCount")
      read =
          reader.Value(field.value(), TypeOf<std::optional<int64_t>>::value, &meta.remaining_items);
    if (!read) return reader.error.InField(key);
  }
  return true;
}

bool ReadListMeta(Reader& reader, ondemand::value value, ListMeta& meta) {
  ondemand::object object;
  if (value.is_null()) return true;
  if (value.get_object().get(object)) return reader.error.Set(Reason::kInvalid, "want an object");
  return ReadListMeta(reader, object, meta);
}

}  // namespace

Status DecodeObject(std::string_view json, std::string_view group, const TypeInfo& type,
                    void* out) {
  Reader reader;
  Document document(json);
  ondemand::object root;
  if (!document.Root(reader, root)) return reader.error.Get();
  if (group == kResourceGroup) reader.beta1 = Peek(root, "apiVersion") == kBeta1;
  if (!reader.Struct(root, type, out) || !document.End(reader)) return reader.error.Get();
  return Ok();
}

Status DecodeItems(std::string_view json, std::string_view group, const TypeInfo& list, void* items,
                   ListMeta& meta) {
  Reader reader;
  Document document(json);
  ondemand::object root;
  if (!document.Root(reader, root)) return reader.error.Get();
  bool ask_each = false;
  if (group == kResourceGroup) {
    std::string version = Peek(root, "apiVersion");
    reader.beta1 = version == kBeta1;
    ask_each = !version.starts_with(kResourceGroup);  // a v1 List: every item says its own
  }
  bool found = false;
  for (auto entry : root) {
    ondemand::field field;
    std::string_view key;
    if (auto code = std::move(entry).get(field)) return reader.Malformed(code), reader.error.Get();
    if (auto code = field.unescaped_key().get(key))
      return reader.Malformed(code), reader.error.Get();
    if (key == "metadata" && !ReadListMeta(reader, field.value(), meta))
      return reader.error.InField(key), reader.error.Get();
    if (key != "items") continue;
    found = true;
    ondemand::value value = field.value();
    if (!value.is_null() && !ReadItems(reader, value, list, items, ask_each))
      return reader.error.InField(key), reader.error.Get();
  }
  if (!document.End(reader)) return reader.error.Get();
  if (!found) return Status(Reason::kInvalid, "items: want a list");
  return Ok();
}

ItemStream::ItemStream(std::string_view group, const TypeInfo& item, std::function<void*()> make,
                       std::function<Status()> made)
    : type_(item),
      make_(std::move(make)),
      made_(std::move(made)),
      splitter_(
          {[this](std::string_view text, size_t index) { return Item(text, index); },
           [this](std::string_view member, std::string_view text) { return Other(member, text); }}),
      versioned_(group == kResourceGroup) {}

Status ItemStream::Other(std::string_view member, std::string_view text) {
  if (member == "apiVersion" && versioned_) {
    said_ = true;
    if (text.size() < 2 || text[0] != '"') return Ok();
    text = text.substr(1, text.size() - 2);
    beta1_ = text == kBeta1;
    ask_each_ = !text.starts_with(kResourceGroup);  // a v1 List: every item says its own
    return Ok();
  }
  if (member != "metadata" || text == "null") return Ok();
  Reader reader;
  Document document(text);
  ondemand::object root;
  if (!document.Root(reader, root) || !ReadListMeta(reader, root, meta_) || !document.End(reader)) {
    reader.error.InField(member);
    return reader.error.Get();
  }
  return Ok();
}

Status ItemStream::Item(std::string_view text, size_t index) {
  if (!versioned_ || said_) return Read(text, index);
  waiting_.emplace_back(text);
  return Ok();
}

Status ItemStream::Read(std::string_view text, size_t index) {
  Reader reader;
  Document document(text);
  ondemand::object root;
  if (document.Root(reader, root)) {
    reader.beta1 = versioned_ && (ask_each_ ? Peek(root, "apiVersion") == kBeta1 : beta1_);
    if (reader.Struct(root, type_, make_()) && document.End(reader)) return made_();
  }
  reader.error.InElement(index);
  reader.error.InField("items");
  return reader.error.Get();
}

Status ItemStream::Finish(ListMeta& meta) {
  DRAY_RETURN_IF_ERROR(splitter_.Finish());
  if (!splitter_.has_items()) return Status(Reason::kInvalid, "items: want a list");
  for (size_t i = 0; i < waiting_.size(); ++i) {
    DRAY_RETURN_IF_ERROR(Read(waiting_[i], i));
    waiting_[i] = std::string();
  }
  meta = std::move(meta_);
  return Ok();
}

Status DecodeEvent(std::string_view line, std::string_view group, const TypeInfo& type,
                   WatchEventType& event, void* out, Status& status) {
  Reader reader;
  Document document(line);
  ondemand::object root;
  if (!document.Root(reader, root)) return reader.error.Get();
  std::string kind = Peek(root, "type");
  if (kind == "ADDED")
    event = WatchEventType::kAdded;
  else if (kind == "MODIFIED")
    event = WatchEventType::kModified;
  else if (kind == "DELETED")
    event = WatchEventType::kDeleted;
  else if (kind == "BOOKMARK")
    event = WatchEventType::kBookmark;
  else if (kind == "ERROR")
    event = WatchEventType::kError;
  else
    return Status(Reason::kInvalid, "type: want a watch event, got \"" + kind + "\"");

  ondemand::value value;
  if (auto code = root.find_field_unordered("object").get(value)) {
    if (code == simdjson::NO_SUCH_FIELD) return Status(Reason::kInvalid, "object: missing");
    return reader.Malformed(code), reader.error.Get();
  }
  if (event == WatchEventType::kError) {
    std::string_view text;
    if (auto code = simdjson::to_json_string(value).get(text))
      return reader.Malformed(code), reader.error.Get();
    status = DecodeStatus(0, text);
    return Ok();
  }
  ondemand::object object;
  if (value.get_object().get(object)) return Status(Reason::kInvalid, "object: want an object");
  if (group == kResourceGroup) reader.beta1 = Peek(object, "apiVersion") == kBeta1;
  if (!reader.Struct(object, type, out)) return reader.error.InField("object"), reader.error.Get();
  return Ok();
}

}  // namespace dray::api
