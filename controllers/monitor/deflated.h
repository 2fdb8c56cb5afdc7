#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace dray::controllers {

// Text as a piece of a gzip stream (RFC 1951, 1952). Pieces know nothing of each other: any of
// them, one after the other, are one stream.
struct DeflatedText {
  std::string bytes;
  uint32_t crc = 0;   // CRC-32 of the text
  uint64_t size = 0;  // of the text
};

// Compresses text as it comes, so that it never lies in memory as a whole.
class Deflater {
 public:
  Deflater();
  Deflater(Deflater&&) noexcept;
  ~Deflater();
  void Append(std::string_view text);
  // Once, at the end.
  DeflatedText Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};
DeflatedText Deflate(std::string_view text);

// The pieces in a row as one piece, and pieces as the body of an answer with Content-Encoding gzip.
DeflatedText Join(std::span<const DeflatedText> pieces);
std::string GzipOf(std::span<const DeflatedText> pieces);
// The text again.
std::string Inflate(const DeflatedText& text);

// Whether who sent this Accept-Encoding takes gzip (RFC 9110, 12.5.3).
bool TakesGzip(std::string_view accept_encoding);

}  // namespace dray::controllers
