//===- Tokenizer.h - text to token ids and back -----------------*- C++ -*-===//
//
// The pipeline of a tokenizer.json file (the format of the Hugging Face library `tokenizers`) for byte-pair models:
// added tokens, normalizer, pre-tokenizer, model, post-processor; decoder. Ids and texts equal the library's.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_RUNTIME_TEXT_TOKENIZER_H
#define FTC_RUNTIME_TEXT_TOKENIZER_H

#include "ftc/Runtime/Core/Status.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ftc::runtime::text {

/// Tokens of a text that was given in segments.
struct Encoding {
  std::vector<int32_t> ids;
  std::vector<int32_t> segments; // of each token; added by the post-processor: of the first or the last segment
};

struct EncodeOptions {
  /// Whether the post-processor adds its special tokens. Those written in the text are found in any case.
  bool addSpecialTokens = true;
  /// The text goes on from one encoded before: no prefix is put before it, as would be before a text's beginning.
  bool continues = false;
};

/// Not to be shared between threads: it remembers the tokens of words it has met.
class Tokenizer {
public:
  /// Reads the text of a tokenizer.json; `file` names it in messages.
  static Expected<Tokenizer> fromJson(std::string_view json, const std::string &file);
  static Expected<Tokenizer> fromFile(const std::string &path);
  Tokenizer(Tokenizer &&) noexcept;
  Tokenizer &operator=(Tokenizer &&) noexcept;
  ~Tokenizer();

  /// Fails for what is no UTF-8, for more than 64 MiB, and where a regular expression exceeds its bounds.
  Expected<std::vector<int32_t>> encode(std::string_view text, const EncodeOptions &options = {}) const;

  /// Encodes the segments as one text, but no token crosses from one into the next: where an answer begins, a token
  /// begins, as it will when the answer is generated. A token that is found in the text itself may cross.
  Expected<Encoding> encodeSegments(std::span<const std::string_view> segments,
                                    const EncodeOptions &options = {}) const;

  /// Ids that are no token are passed over.
  Expected<std::string> decode(std::span<const int32_t> ids, bool skipSpecialTokens = false) const;

  std::optional<int32_t> idOf(std::string_view token) const;
  std::optional<std::string_view> tokenOf(int32_t id) const;
  bool isSpecial(int32_t id) const;
  /// What the post-processor puts before and after a text.
  std::span<const int32_t> tokensBefore() const;
  std::span<const int32_t> tokensAfter() const;
  /// One more than the largest id.
  int64_t vocabularySize() const;

private:
  friend class TokenizerReader;
  struct Pipeline;
  explicit Tokenizer(std::unique_ptr<Pipeline> pipeline);

  std::unique_ptr<Pipeline> pipeline;
};

/// Prints a text while it is generated: whole characters only, and together exactly what `decode` gives of all tokens
/// (but for runs of bytes that are no UTF-8, whose replacement may come earlier).
class StreamDecoder {
public:
  explicit StreamDecoder(const Tokenizer &tokenizer, bool skipSpecialTokens = true)
      : tokenizer(&tokenizer), skipSpecialTokens(skipSpecialTokens) {}

  /// What can be printed now that `id` has come; often nothing.
  Expected<std::string> push(int32_t id);
  /// What was held back, when no more tokens come.
  Expected<std::string> finish();

private:
  Expected<std::string> take(bool all);

  const Tokenizer *tokenizer;
  bool skipSpecialTokens;
  std::vector<int32_t> window; // the tokens printed last, then those held back
  size_t printed = 0;          // how many of the window are printed
};

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_TOKENIZER_H
