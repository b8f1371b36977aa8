//===- LayerNames.cpp - the layer in a name --------------------------------===//

#include "dialects/Tune/Utils/LayerNames.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"

using llvm::StringRef;

namespace ftc::tune {

/// The place in a name of its first part that is a number; empty if there is none.
static StringRef findNumber(StringRef symbol) {
  for (StringRef rest = symbol; !rest.empty();) {
    auto [part, tail] = rest.split('.');
    if (!part.empty() && llvm::all_of(part, llvm::isDigit))
      return part;
    rest = tail;
  }
  return {};
}

std::optional<int64_t> getLayer(StringRef symbol) {
  int32_t layer; // no more, so that sums of some do not overflow
  return findNumber(symbol).getAsInteger(10, layer) ? std::nullopt : std::optional<int64_t>(layer);
}

std::string moveLayer(StringRef symbol, int64_t by) {
  StringRef number = findNumber(symbol);
  size_t begin = size_t(number.data() - symbol.data());
  return (symbol.take_front(begin) + llvm::Twine(*getLayer(symbol) + by) + symbol.drop_front(begin + number.size()))
      .str();
}

} // namespace ftc::tune
