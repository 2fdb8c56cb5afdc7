#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dray/api/quantity.h"
#include "dray/base/clock.h"
#include "dray/base/json.h"
#include "dray/base/status.h"

namespace dray::mockdev {

// The first thing that is wrong with a document, as "file:line: field: sentence".
class FirstError {
 public:
  // `text` is the document's, and outlives this.
  FirstError(std::string_view file, std::string_view text) : file_(file), text_(text) {}
  void Report(const std::string& field, const std::string& sentence);
  const Status& status() const { return status_; }

 private:
  std::string_view file_, text_;
  Status status_;
};

// One mapping of a document, read strictly: whatever is asked for by name must have the right type,
// and Done() reports what nobody asked for. Errors go to the FirstError; a getter that failed
// returns the type's empty value, so that reading goes on without branches. `object`, and all
// documents below it, must outlive the reader.
class FieldReader {
 public:
  FieldReader(const Json& object, std::string path, FirstError& errors);

  std::string path(std::string_view key) const;
  bool Has(std::string_view key);

  std::string Text(std::string_view key);  // required, not empty
  std::string TextOr(std::string_view key, std::string_view otherwise);
  int64_t Integer(std::string_view key, int64_t lowest, int64_t highest);
  bool BoolOr(std::string_view key, bool otherwise);
  std::string OneOf(std::string_view key, std::initializer_list<std::string_view> words,
                    std::string_view otherwise);  // no `otherwise`: required
  std::optional<api::Quantity> QuantityOf(std::string_view key, bool required);
  std::optional<Duration> DurationOf(std::string_view key);  // required: "90s", "1m30s", "500ms"
  std::vector<std::string> Texts(std::string_view key);      // absent: none

  // Null when absent. The child's own FieldReader is the caller's business.
  const Json* Mapping(std::string_view key, bool required);
  const Json* List(std::string_view key);

  void Fail(std::string_view key, const std::string& sentence);
  // Refuses the keys that were never asked for.
  void Done();

 private:
  const Json* Find(std::string_view key, bool required, std::string_view wanted);

  const Json& object_;
  std::string path_;
  FirstError& errors_;
  std::set<std::string, std::less<>> asked_;
};

// How a value appears in a sentence: text in quotes, anything else as JSON.
std::string Shown(const Json& value);

}  // namespace dray::mockdev
