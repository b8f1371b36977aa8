//===- Pipeline.h - the parts of a tokenizer --------------------*- C++ -*-===//

#ifndef FTC_RUNTIME_TEXT_PIPELINE_H
#define FTC_RUNTIME_TEXT_PIPELINE_H

#include "AddedTokens.h"
#include "BytePairModel.h"
#include "Decoder.h"
#include "Normalizer.h"
#include "PostProcessor.h"
#include "PreTokenizer.h"
#include "ftc/Runtime/Text/Tokenizer.h"

#include <vector>

namespace ftc::runtime::text {

/// What TokenizerReader makes of a tokenizer.json; absent parts are null.
struct Tokenizer::Pipeline {
  NormalizerPtr normalizer;
  PreTokenizerPtr preTokenizer;
  BytePairModel model;
  PostProcessor postProcessor;
  DecoderPtr decoder;
  std::vector<AddedToken> addedTokens;

  TokenFinder rawTokens;        // found in the input
  TokenFinder normalizedTokens; // found after normalization
  TokenMap addedIds;
  std::vector<std::string_view> tokens;                     // by id; empty where an id is no token
  std::vector<bool> special;                                // by id
  std::unordered_map<int32_t, std::string> normalizedTexts; // what normalized added tokens are decoded to

  /// Fills what is derived from the other members; `file` names the tokenizer in messages.
  Status finish(const std::string &file);
  Status encodePassage(Passage passage, std::vector<int32_t> &ids) const;

private:
  Status nameIds(const std::string &file);
};

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_PIPELINE_H
