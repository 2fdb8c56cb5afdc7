#include "cli/input_file.h"

#include <zlib.h>

#include <algorithm>
#include <memory>

#include "dray/runtime/files.h"

namespace dray::cli {
namespace {

constexpr size_t kLongestText = size_t{4} << 30;
constexpr size_t kChunk = size_t{64} << 20;  // fits zlib's 32 bit counters

struct EndInflate {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

}  // namespace

bool IsGzip(std::string_view bytes) {
  return bytes.starts_with("\x1f\x8b");
}

Result<std::string> Unzip(std::string_view bytes) {
  z_stream state{};
  if (inflateInit2(&state, 16 + MAX_WBITS) != Z_OK)
    return Status(Reason::kInternal, "zlib cannot start");
  std::unique_ptr<z_stream, EndInflate> stream(&state);
  std::string text;
  size_t length = 0;
  bool ended = false;  // the member that was begun last
  while (!bytes.empty() || !ended) {
    if (ended) {
      if (!IsGzip(bytes)) break;  // what follows the last member is padding
      inflateReset(&state);
      ended = false;
    }
    if (text.size() - length < 4096) text.resize(std::max<size_t>(text.size() * 2, 1 << 16));
    const size_t given = std::min(bytes.size(), kChunk),
                 room = std::min(text.size() - length, kChunk);
    state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    state.avail_in = static_cast<uInt>(given);
    state.next_out = reinterpret_cast<Bytef*>(text.data() + length);
    state.avail_out = static_cast<uInt>(room);
    const int outcome = inflate(&state, Z_NO_FLUSH);
    bytes.remove_prefix(given - state.avail_in);
    length += room - state.avail_out;
    if (outcome == Z_STREAM_END) {
      ended = true;
    } else if (outcome != Z_OK || (bytes.empty() && state.avail_out > 0)) {
      return Status(Reason::kInvalid,
                    bytes.empty() ? "gzip data is cut short" : "gzip data is damaged");
    }
    if (length > kLongestText) return Status(Reason::kInvalid, "gzip data holds more than 4 GiB");
  }
  text.resize(length);
  return text;
}

Result<std::string> ReadInput(const std::string& file, std::istream& standard_input) {
  std::string text;
  if (file == "-") {
    for (size_t room = 1 << 16;; room *= 2) {
      const size_t length = text.size();
      text.resize(length + room);
      const std::streamsize got =
          standard_input.rdbuf()->sgetn(text.data() + length, static_cast<std::streamsize>(room));
      text.resize(length + static_cast<size_t>(std::max<std::streamsize>(got, 0)));
      if (got < static_cast<std::streamsize>(room)) break;
    }
  } else {
    Result<std::string> read = runtime::ReadFile(file);
    if (!read.ok()) return Status(Reason::kBadRequest, read.status().message());
    text = std::move(read).value();
  }
  if (!IsGzip(text)) return text;
  Result<std::string> unzipped = Unzip(text);
  if (!unzipped.ok()) return Status(Reason::kBadRequest, file + ": " + unzipped.status().message());
  return unzipped;
}

}  // namespace dray::cli
