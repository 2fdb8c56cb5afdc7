#include "controllers/monitor/deflated.h"

#include <zlib.h>

#include "dray/base/log.h"

namespace dray::controllers {
namespace {

// Raw deflate: header and trailer are written once for all pieces.
constexpr int kRaw = -15;

void PutLittleEndian(uint32_t number, std::string& out) {
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<char>(number >> 8 * i & 0xff));
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

struct Deflater::State {
  State() {
    // Lines of metrics are alike: the fastest level leaves a twentieth of them.
    CHECK_EQ(deflateInit2(&stream, 1, Z_DEFLATED, kRaw, 8, Z_DEFAULT_STRATEGY), Z_OK);
  }
  ~State() { deflateEnd(&stream); }
  void Feed(std::string_view text, int flush) {
    char buffer[16 << 10];
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(buffer);
      stream.avail_out = sizeof buffer;
      const int outcome = deflate(&stream, flush);
      CHECK(outcome == Z_OK || outcome == Z_BUF_ERROR) << outcome;
      done.bytes.append(buffer, sizeof buffer - stream.avail_out);
    } while (stream.avail_out == 0);
  }
  z_stream stream{};
  DeflatedText done;
};

Deflater::Deflater() : state_(std::make_unique<State>()) {}
Deflater::Deflater(Deflater&&) noexcept = default;
Deflater::~Deflater() = default;

void Deflater::Append(std::string_view text) {
  DeflatedText& done = state_->done;
  done.crc = static_cast<uint32_t>(
      crc32_z(done.crc, reinterpret_cast<const Bytef*>(text.data()), text.size()));
  done.size += text.size();
  for (constexpr size_t kStep = 1u << 30; !text.empty();) {
    state_->Feed(text.substr(0, kStep), Z_NO_FLUSH);
    text.remove_prefix(std::min(kStep, text.size()));
  }
}

DeflatedText Deflater::Finish() {
  // To a whole byte, and open for what comes behind it.
  state_->Feed({}, Z_SYNC_FLUSH);
  state_->done.bytes.shrink_to_fit();
  return std::move(state_->done);
}

DeflatedText Deflate(std::string_view text) {
  Deflater deflater;
  deflater.Append(text);
  return deflater.Finish();
}

DeflatedText Join(std::span<const DeflatedText> pieces) {
  DeflatedText all;
  size_t bytes = 0;
  for (const DeflatedText& piece : pieces) bytes += piece.bytes.size();
  all.bytes.reserve(bytes);
  for (const DeflatedText& piece : pieces) {
    all.bytes += piece.bytes;
    all.crc =
        static_cast<uint32_t>(crc32_combine(all.crc, piece.crc, static_cast<z_off_t>(piece.size)));
    all.size += piece.size;
  }
  return all;
}

std::string GzipOf(std::span<const DeflatedText> pieces) {
  // No name, no time, fastest, Unix; the last block, empty; sum and size.
  const DeflatedText all = Join(pieces);
  std::string body("\x1f\x8b\x08\0\0\0\0\0\x04\x03", 10);
  body.append(all.bytes).append("\x03\0", 2);
  PutLittleEndian(all.crc, body);
  PutLittleEndian(static_cast<uint32_t>(all.size), body);
  return body;
}

std::string Inflate(const DeflatedText& text) {
  std::string out(text.size, '\0');
  z_stream stream{};
  CHECK_EQ(inflateInit2(&stream, kRaw), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.bytes.data()));
  stream.avail_in = static_cast<uInt>(text.bytes.size());
  for (size_t at = 0; at < out.size();) {
    const size_t room = std::min<size_t>(out.size() - at, 1u << 30);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + at);
    stream.avail_out = static_cast<uInt>(room);
    const int outcome = inflate(&stream, Z_SYNC_FLUSH);
    CHECK_EQ(outcome, Z_OK) << "what we have compressed ourselves";
    at += room - stream.avail_out;
  }
  inflateEnd(&stream);
  return out;
}

bool TakesGzip(std::string_view accept_encoding) {
  bool takes = false, named = false;
  while (!accept_encoding.empty()) {
    const size_t comma = std::min(accept_encoding.find(','), accept_encoding.size());
    std::string_view one = accept_encoding.substr(0, comma);
    accept_encoding.remove_prefix(std::min(comma + 1, accept_encoding.size()));
    const size_t semicolon = one.find(';');
    const std::string_view weight =
        semicolon == std::string_view::npos ? "" : Trimmed(one.substr(semicolon + 1));
    one = Trimmed(one.substr(0, semicolon));
    const bool never =
        weight.starts_with("q=0") && weight.find_first_not_of("0.", 2) == std::string_view::npos;
    if (one == "gzip") takes = !never, named = true;
    if (one == "*" && !named) takes = !never;
  }
  return takes;
}

}  // namespace dray::controllers
