//===- GgufTokenizer.h - the tokenizer of a GGUF file -----------*- C++ -*-===//

#ifndef FTC_RUNTIME_TEXT_GGUFTOKENIZER_H
#define FTC_RUNTIME_TEXT_GGUFTOKENIZER_H

#include "ftc/Runtime/IO/Gguf.h"
#include "ftc/Runtime/IO/Json.h"

namespace ftc::runtime::text {

/// The metadata `tokenizer.ggml.*` as the tokenizer.json that means the same. Only byte-level byte-pair tokenizers are
/// supported, split in one of the ways of GgufSplits.def.
Expected<json::Value> tokenizerJsonOfGguf(const GgufFile &file);

/// The token that a metadata key gives the id of, if the key is there.
Expected<std::optional<std::string>> namedTokenOfGguf(const GgufFile &file, const std::string &key);

} // namespace ftc::runtime::text

#endif // FTC_RUNTIME_TEXT_GGUFTOKENIZER_H
