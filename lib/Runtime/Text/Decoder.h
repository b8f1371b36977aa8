//===- Decoder.h - from tokens back to text ---------------------*- C++ -*-===//
//
// One class for each `type` of a decoder in tokenizer.json; the file TokenizerReader.cpp makes them.
//
//===----------------------------------------------------------------------===//

#ifndef FTC_RUNTIME_TEXT_DECODER_H
#define FTC_RUNTIME_TEXT_DECODER_H

#include "PreTokenizer.h"
#include "ftc/Runtime/Text/Pattern.h"

#include <memory>
#include <string>
#include <vector>

namespace ftc::runtime::text {

/// Rewrites a list of tokens; the text is what remains, joined.
class Decoder {
public:
  virtual ~Decoder() = default;
  virtual Status apply(std::vector<std::string> &tokens) const = 0;
};
using DecoderPtr = std::unique_ptr<const Decoder>;

/// Printable characters as the bytes they stand for; what is no UTF-8 then becomes U+FFFD.
DecoderPtr makeByteLevelDecoder();
/// Runs of `<0x..>` as the bytes they name, or one U+FFFD for each where they are no UTF-8.
DecoderPtr makeByteFallback();
/// All tokens joined to one.
DecoderPtr makeFuse();
/// At most `start` times `content` off the beginning of each token and `stop` times off its end.
DecoderPtr makeStripDecoder(std::string content, size_t start, size_t stop);
DecoderPtr makeReplaceDecoder(Pattern pattern, std::string content);
/// `replacement` becomes a blank; in the first token it vanishes, if one was put there.
Expected<DecoderPtr> makeMetaspaceDecoder(std::string replacement, PrependScheme scheme);
/// `suffix` becomes a blank, or nothing in the last token.
Expected<DecoderPtr> makeSuffixDecoder(std::string suffix);
DecoderPtr makeDecoderSequence(std::vector<DecoderPtr> members);

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_DECODER_H
