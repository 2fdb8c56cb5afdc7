#pragma once

#include <nlohmann/json.hpp>

#include "api/types/decoder.h"
#include "api/types/json_walk.h"
#include "dray/api/codec.h"

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
Result<ListOf<T>> DecodeList(std::string_view json) {
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
  template Result<T> FromJson<T>(const Json& json);                \
  template Json ToJson(const T& object);                           \
  template std::string Encode(const T& object);                    \
  template Result<WatchEvent<T>> DecodeWatchEvent<T>(std::string_view line)

}  // namespace dray::api
