#pragma once

#include <nlohmann/json.hpp>

#include "api/types/decoder.h"
#include "api/types/json_walk.h"
#include "api/types/packing.h"
#include "dray/api/codec.h"
#include "dray/api/packed.h"

// The bodies of dray/api/codec.h, thin around the walkers. Included by the <group>_codec.cc files
// only, each of which names its types once with DRAY_CODEC (kinds) and DRAY_VALUE_CODEC (parts that
// patches need).
namespace dray::api {

template <ApiObject T>
Result<T> Decode(std::string_view json) {
  T object;
  DRAY_RETURN_IF_ERROR(DecodeObject(json, KindOf<T>::value.group, TypeOf<T>::value, &object));
  return object;
}

template <ApiObject T>
struct ListStream<T>::State {
  explicit State(Take t)
      : take(std::move(t)),
        stream(
            KindOf<T>::value.group, TypeOf<T>::value,
            [this]() -> void* {
              object = T();
              return &object;
            },
            [this] { return take(std::move(object)); }) {}
  Take take;
  T object;
  ItemStream stream;
};

template <ApiObject T>
ListStream<T>::ListStream(Take take) : state_(std::make_unique<State>(std::move(take))) {}

template <ApiObject T>
ListStream<T>::~ListStream() = default;

template <ApiObject T>
Status ListStream<T>::Feed(std::string_view piece) {
  return state_->stream.Feed(piece);
}

template <ApiObject T>
size_t ListStream<T>::held() const {
  return state_->stream.held();
}

template <ApiObject T>
Result<ListOf<T>> ListStream<T>::Finish() {
  ListMeta meta;
  DRAY_RETURN_IF_ERROR(state_->stream.Finish(meta));
  ListOf<T> list;
  list.resource_version = std::move(meta.resource_version);
  list.continue_token = std::move(meta.continue_token);
  list.remaining_items = meta.remaining_items;
  return list;
}

template <ApiObject T>
Result<ListOf<T>> DecodeLongList(std::string_view json) {
  std::vector<T> items;
  constexpr size_t kPiece = size_t{1} << 20;
  ListStream<T> stream([&](T object) -> Status {
    items.push_back(std::move(object));
    return Ok();
  });
  for (size_t at = 0; at < json.size(); at += kPiece) {
    DRAY_RETURN_IF_ERROR(stream.Feed(json.substr(at, kPiece)));
    // After the first piece it is known how many there will be, more or less: a vector that grows
    // step by step needs twice the room.
    if (at == 0) items.reserve(items.size() * (json.size() / kPiece + 1));
  }
  DRAY_ASSIGN_OR_RETURN(ListOf<T> list, stream.Finish());
  list.items = std::move(items);
  return list;
}

template <ApiObject T>
Result<ListOf<T>> DecodeList(std::string_view json) {
  // simdjson's index of a long text takes more memory than the text: such a list is read item by
  // item.
  constexpr size_t kLong = size_t{4} << 20;
  if (json.size() > kLong) return DecodeLongList<T>(json);
  ListOf<T> list;
  ListMeta meta;
  DRAY_RETURN_IF_ERROR(
      DecodeItems(json, KindOf<T>::value.group, TypeOf<std::vector<T>>::value, &list.items, meta));
  list.resource_version = std::move(meta.resource_version);
  list.continue_token = std::move(meta.continue_token);
  list.remaining_items = meta.remaining_items;
  return list;
}

template <ApiObject T>
Result<T> FromJson(const Json& json) {
  T object;
  DRAY_RETURN_IF_ERROR(ReadJson(json, TypeOf<T>::value, IsBeta1(json), &object));
  return object;
}

template <ApiObject T>
Json ToJson(const T& object) {
  return WithKind(WriteJson(TypeOf<T>::value, &object), KindOf<T>::value.kind,
                  KindOf<T>::value.ApiVersion());
}

template <ApiObject T>
std::string Encode(const T& object) {
  return Dump(ToJson(object));
}

template <ApiObject T>
Result<WatchEvent<T>> DecodeWatchEvent(std::string_view line) {
  WatchEvent<T> event;
  DRAY_RETURN_IF_ERROR(DecodeEvent(line, KindOf<T>::value.group, TypeOf<T>::value, event.type,
                                   &event.object, event.status));
  return event;
}

template <ApiObject T>
std::string Pack(const T& object) {
  std::string packed;
  PackValue(TypeOf<T>::value, &object, packed);
  return packed;
}

template <ApiObject T>
T Unpack(std::string_view packed) {
  T object;
  UnpackValue(TypeOf<T>::value, packed, &object);
  return object;
}

template <class T>
Json ToJsonValue(const T& value) {
  return WriteJson(TypeOf<T>::value, &value);
}

template <class T>
Result<T> FromJsonValue(const Json& json) {
  T value{};
  DRAY_RETURN_IF_ERROR(ReadJson(json, TypeOf<T>::value, false, &value));
  return value;
}

#define DRAY_VALUE_CODEC(T)                  \
  template Json ToJsonValue(const T& value); \
  template Result<T> FromJsonValue<T>(const Json& json)

#define DRAY_CODEC(T)                                              \
  template Result<T> Decode<T>(std::string_view json);             \
  template Result<ListOf<T>> DecodeList<T>(std::string_view json); \
  template class ListStream<T>;                                    \
  template Result<T> FromJson<T>(const Json& json);                \
  template Json ToJson(const T& object);                           \
  template std::string Encode(const T& object);                    \
  template std::string Pack(const T& object);                      \
  template T Unpack<T>(std::string_view packed);                   \
  template Result<WatchEvent<T>> DecodeWatchEvent<T>(std::string_view line)

}  // namespace dray::api
