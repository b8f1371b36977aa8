//===- TokenizerReader.h - reading tokenizer.json ---------------*- C++ -*-===//

#ifndef FTC_RUNTIME_TEXT_TOKENIZERREADER_H
#define FTC_RUNTIME_TEXT_TOKENIZERREADER_H

#include "Pipeline.h"
#include "ftc/Runtime/IO/ObjectReader.h"

namespace ftc::runtime::text {

/// The parts of a tokenizer by their `type` in tokenizer.json. A type that is not supported is an error that lists
/// those that are. `place` names the value in messages.
Expected<NormalizerPtr> readNormalizer(const json::Value &value, const std::string &place);
Expected<PreTokenizerPtr> readPreTokenizer(const json::Value &value, const std::string &place);
Expected<PostProcessor> readPostProcessor(const json::Value &value, const std::string &place);
Expected<DecoderPtr> readDecoder(const json::Value &value, const std::string &place);

/// No token has a larger id.
inline constexpr int64_t largestId = (1 << 22) - 1;

/// Makes a Tokenizer of a parsed tokenizer.json.
class TokenizerReader {
public:
  TokenizerReader(const json::Value &root, const std::string &file) : file(file), root(root, file + ": ") {}

  Expected<Tokenizer> read();

private:
  void readParts();
  void readModel(const json::Value &value);
  void readMerges(json::ObjectReader &model);
  void readMerge(const json::Value &merge, const std::string &place);
  void readAddedTokens();

  std::string file;
  json::ObjectReader root;
  std::unique_ptr<Tokenizer::Pipeline> pipeline = std::make_unique<Tokenizer::Pipeline>();
};

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_TOKENIZERREADER_H
