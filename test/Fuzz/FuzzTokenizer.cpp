// A tokenizer.json of any bytes is read or refused; what is read encodes and decodes without a fault.

#include "ftc/Runtime/Text/Tokenizer.h"

using namespace ftc::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view input(reinterpret_cast<const char *>(data), size);
  Expected<text::Tokenizer> tokenizer = text::Tokenizer::fromJson(input, "tokenizer.json");
  if (!tokenizer)
    return 0;
  for (std::string_view sample : {std::string_view(" To be,\n\n or not 12 to b\u00E9? "), input.substr(0, 256)}) {
    std::string_view halves[] = {sample.substr(0, sample.size() / 2), sample.substr(sample.size() / 2)};
    (void)tokenizer->encodeSegments(halves);
    Expected<std::vector<int32_t>> ids = tokenizer->encode(sample);
    if (!ids)
      continue;
    (void)tokenizer->decode(*ids);
    text::StreamDecoder stream(*tokenizer);
    for (int32_t id : *ids)
      (void)stream.push(id);
    (void)stream.finish();
  }
  return 0;
}
