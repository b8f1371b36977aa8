//===- SemaOptions.cpp - the options of a step ----------------------------===//

#include "Sema.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

#include <cmath>

using namespace ftc;
using namespace ftc::ast;
using namespace ftc::recipe;
using namespace mlir;
using llvm::SMRange;
using llvm::StringRef;

//===----------------------------------------------------------------------===//
// Collecting
//===----------------------------------------------------------------------===//

bool Options::add(StringRef key, const Expr *value, SMRange range) {
  if (!llvm::is_contained(keys, key)) {
    auto message = sema.diags.report(Diag::UnknownOption, range, step, key);
    message.nearest(key, keys).help("its options are " + llvm::join(keys, ", "));
    return false;
  }
  auto earlier = llvm::find_if(entries, [&](const Entry &entry) { return entry.key == key; });
  if (earlier != entries.end()) {
    sema.diags.report(Diag::DuplicateOption, range, key).note(earlier->range, "first given here");
    return false;
  }
  entries.push_back({key.str(), value, range});
  return true;
}

bool Options::addArguments(llvm::ArrayRef<Argument> arguments, size_t positional) {
  bool sound = true, named = false;
  for (const auto &[index, argument] : llvm::enumerate(arguments)) {
    if (argument.name) {
      named = true;
      sound &= add(argument.name.text, argument.value.get(), argument.name.range);
    } else if (named) {
      sema.diags.report(Diag::UnnamedArgument, argument.range);
      sound = false;
    } else if (index >= positional) {
      sema.diags.report(Diag::TooManyArguments, argument.range, step, positional, arguments.size())
          .help("the other options are named: " + llvm::join(keys.drop_front(positional), ", "));
      return false;
    } else {
      sound &= add(keys[index], argument.value.get(), argument.range);
    }
  }
  return sound;
}

bool Options::addMap(const MapExpr &map) {
  bool sound = true;
  for (const MapEntry &entry : map.entries) {
    if (entry.key().empty()) {
      StringRef written(entry.selector.range.Start.getPointer(),
                        entry.selector.range.End.getPointer() - entry.selector.range.Start.getPointer());
      sema.diags.report(Diag::NotAnOption, entry.selector.range, step, written);
      sound = false;
      continue;
    }
    sound &= add(entry.key(), entry.value.get(), entry.selector.range);
  }
  return sound;
}

const Expr *Options::find(StringRef key) const {
  for (const Entry &entry : entries)
    if (entry.key == key)
      return entry.value;
  return nullptr;
}

SMRange Options::rangeOf(StringRef key) const {
  for (const Entry &entry : entries)
    if (entry.key == key)
      return entry.value->range;
  return stepRange;
}

bool Options::missing(StringRef what) {
  sema.diags.report(Diag::StepNeeds, stepRange, step, what);
  return false;
}

bool Options::require(llvm::ArrayRef<StringRef> needed) {
  bool complete = true;
  for (StringRef key : needed)
    if (!has(key))
      complete = missing("the option '" + key.str() + "'");
  return complete;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

template <typename T> std::optional<T> Options::refuse(StringRef key, StringRef expected, Attribute got) {
  if (got) // A null value has been reported.
    sema.diags.report(Diag::WrongValue, rangeOf(key), "'" + key.str() + "'", expected, Sema::describe(got));
  return std::nullopt;
}

bool Options::within(StringRef key, double number, Bounds bounds) {
  if (number >= bounds.least && number <= bounds.most)
    return true;
  std::string shown;
  llvm::raw_string_ostream(shown) << llvm::format("%.12g", number);
  sema.diags.report(Diag::OutOfRange, rangeOf(key), "'" + key.str() + "'", bounds.text, shown);
  return false;
}

std::optional<int64_t> Options::integer(StringRef key, Bounds bounds, StringRef expected) {
  const Expr *expr = find(key);
  if (!expr)
    return std::nullopt;
  Attribute value = sema.evaluate(*expr);
  auto integer = llvm::dyn_cast_if_present<IntegerAttr>(value);
  if (!integer || llvm::isa<BoolAttr>(value))
    return refuse<int64_t>(key, expected, value);
  return within(key, integer.getInt(), bounds) ? std::optional(integer.getInt()) : std::nullopt;
}

std::optional<double> Options::real(StringRef key, Bounds bounds) {
  return quantity(key, recipe::Unit::Percent, /*plain=*/true, bounds);
}

std::optional<double> Options::quantity(StringRef key, recipe::Unit unit, bool plain, Bounds bounds) {
  const Expr *expr = find(key);
  if (!expr)
    return std::nullopt;
  Attribute value = sema.evaluate(*expr);
  std::optional<double> number;
  if (auto measured = llvm::dyn_cast_if_present<QuantityAttr>(value); measured && measured.getUnit() == unit)
    number = measured.getValue().getValueAsDouble() / (unit == recipe::Unit::Percent ? 100 : 1);
  else if (auto real = llvm::dyn_cast_if_present<FloatAttr>(value); real && plain)
    number = real.getValueAsDouble();
  else if (auto integer = llvm::dyn_cast_if_present<IntegerAttr>(value);
           integer && plain && !llvm::isa<BoolAttr>(value))
    number = integer.getInt();
  if (!number)
    return refuse<double>(key, unit == recipe::Unit::Bytes ? "a size such as '4 GiB'" : "a number", value);
  return within(key, *number, bounds) ? number : std::nullopt;
}

std::optional<std::string> Options::string(StringRef key) {
  const Expr *expr = find(key);
  if (!expr)
    return std::nullopt;
  Attribute value = sema.evaluate(*expr);
  auto string = llvm::dyn_cast_if_present<StringAttr>(value);
  return string ? std::optional(string.getValue().str()) : refuse<std::string>(key, "a string", value);
}

std::optional<std::string> Options::path(StringRef key) {
  std::optional<std::string> path = string(key);
  if (!path || (!path->empty() && path->find('\0') == std::string::npos))
    return path;
  sema.diags.report(Diag::WrongValue, rangeOf(key), "'" + key.str() + "'", "a path", "an empty string");
  return std::nullopt;
}

std::optional<std::string> Options::word(StringRef key, llvm::ArrayRef<StringRef> words) {
  const Expr *expr = find(key);
  if (!expr)
    return std::nullopt;
  Attribute value = sema.evaluate(*expr);
  auto word = llvm::dyn_cast_if_present<WordAttr>(value);
  if (word && llvm::is_contained(words, word.getName()))
    return word.getName().str();
  if (value)
    sema.diags
        .report(Diag::WrongValue, rangeOf(key), "'" + key.str() + "'",
                (words.size() > 1 ? "one of " : "") + llvm::join(words, ", "), Sema::describe(value))
        .nearest(word ? word.getName() : "", words);
  return std::nullopt;
}

std::optional<bool> Options::boolean(StringRef key) {
  const Expr *expr = find(key);
  if (!expr)
    return std::nullopt;
  Attribute value = sema.evaluate(*expr);
  auto boolean = llvm::dyn_cast_if_present<BoolAttr>(value);
  return boolean ? std::optional(boolean.getValue()) : refuse<bool>(key, "true or false", value);
}

std::optional<std::vector<std::string>> Options::strings(StringRef key) {
  const Expr *expr = find(key);
  if (!expr)
    return std::nullopt;
  Attribute value = sema.evaluate(*expr);
  std::vector<std::string> result;
  if (auto one = llvm::dyn_cast_if_present<StringAttr>(value))
    return std::vector<std::string>{one.getValue().str()};
  auto list = llvm::dyn_cast_if_present<ArrayAttr>(value);
  for (Attribute element : list ? list.getValue() : llvm::ArrayRef<Attribute>()) {
    auto string = llvm::dyn_cast<StringAttr>(element);
    if (!string)
      return refuse<std::vector<std::string>>(key, "a list of strings", element);
    result.push_back(string.getValue().str());
  }
  return list ? std::optional(result) : refuse<std::vector<std::string>>(key, "a list of strings", value);
}

ExtentAttr Options::extent(StringRef key) {
  const Expr *expr = find(key);
  if (!expr)
    return {};
  Attribute value = sema.evaluate(*expr);
  auto extent = llvm::dyn_cast_if_present<ExtentAttr>(value);
  if (!extent)
    refuse<bool>(key, "sequences x tokens such as '16 x 512'", value);
  else if (extent.getFirst() > INT32_MAX / extent.getSecond())
    sema.diags.report(Diag::OutOfRange, rangeOf(key), "'" + key.str() + "'", "at most 2147483647 tokens",
                      Sema::describe(extent));
  else
    return extent;
  return {};
}
