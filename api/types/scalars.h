#pragma once

#include <string>
#include <string_view>

#include "api/types/reflect.h"

// What the two readers share: scalars that travel as JSON strings, and the texts of errors.
namespace dray::api {

// Fills `out` from the contents of a JSON string. Shapes kString, kBytes, kQuantity, kTime,
// kMicroTime; anything else, and text that does not fit, gives the reason.
Status ReadText(Shape shape, std::string_view text, void* out);
// The other direction.
std::string WriteText(Shape shape, const void* value);
// Shapes kString to kMicroTime except kRaw: those that ReadText knows.
bool IsText(Shape shape);

// "a string", "an integer"...
std::string_view Wanted(Shape shape);

// Where in a document something is wrong, collected from the inside out while the readers unwind.
class PathError {
 public:
  // Each returns false, so that a reader can end with it.
  bool Set(Reason reason, std::string message) {
    status_ = Status(reason, std::move(message));
    return false;
  }
  bool InField(std::string_view name);
  bool InElement(size_t index);
  bool InKey(std::string_view key);
  // "spec.devices[3].name: want a string".
  Status Get() const;

 private:
  Status status_;
  std::string path_;
};

}  // namespace dray::api
