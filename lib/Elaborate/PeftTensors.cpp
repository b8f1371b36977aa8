//===- PeftTensors.cpp - the tensors of an adapter as PEFT's file has them ----===//
//
// `T = "name" as [...]`: the file's name, and the elements that a tensor of the arena has in common with the file's.
//
//===----------------------------------------------------------------------===//

#include "AdapterBuilder.h"
#include "PeftPlan.h"

#include "ftc/Frontend/Walk.h"
#include "ftc/Runtime/Core/Float.h"

#include "llvm/ADT/StringMap.h"

#include <cmath>
#include <numeric>

using namespace ftc;
using namespace ftc::elaborate;
using llvm::StringRef;

namespace {
/// Row-major strides of sizes.
llvm::SmallVector<int64_t> stridesOf(llvm::ArrayRef<int64_t> sizes) {
  llvm::SmallVector<int64_t> strides(sizes.size(), 1);
  for (size_t i = sizes.size(); i-- > 1;)
    strides[i - 1] = strides[i] * sizes[i];
  return strides;
}

/// One line of a clause for one tensor of one adapter. A copy of a shared tensor stands at another `place`.
class Line {
public:
  Line(Elaborator &elaborator, const AdapterInstance &instance, const AdapterInstance &place, std::string path,
       const ast::FilesItem::Tensor &line)
      : elaborator(elaborator), evaluator(elaborator), instance(instance), place(place), path(std::move(path)),
        line(line) {}

  /// Whether the first name is none under a site's path.
  bool isAtRoot() const { return StringRef(line.fileNames.front()).starts_with("/"); }
  /// Whether its `when` holds.
  bool holds() { return !line.condition || evaluator.evalCondition(*line.condition, *instance.scope).value_or(false); }
  /// Adds what stands in the file of a tensor of these dimensions; `like` says the rest.
  bool add(llvm::ArrayRef<Dim> dims, const PeftTensor &like, std::vector<PeftTensor> &result);
  /// The place of the adapter among the `count` that have the tensor.
  void setSites(int64_t place, int64_t count) { site = place, sites = count; }

private:
  bool readShape(llvm::ArrayRef<Dim> dims);
  bool readPieces(const ast::Axis &axis, llvm::ArrayRef<Dim> dims);
  bool measurePieces();
  bool readType(llvm::ArrayRef<Dim> dims, PeftTensor &tensor);
  bool readWord(StringRef word, llvm::ArrayRef<Dim> dims);
  std::string nameOf(StringRef pattern, llvm::ArrayRef<int64_t> indices) const;
  std::optional<FilePart> partOf(llvm::ArrayRef<Dim> dims, llvm::ArrayRef<int64_t> indices) const;
  llvm::SmallVector<llvm::SmallVector<int64_t>> combinations() const;
  bool refuse(llvm::SMRange range, const llvm::Twine &what) {
    elaborator.diagnostics().report(Diag::PeftShape, range, line.name.text, what.str());
    return false;
  }

  Elaborator &elaborator;
  Evaluator evaluator;
  const AdapterInstance &instance, &place;
  std::string path; ///< of the place
  const ast::FilesItem::Tensor &line;
  int64_t site = 0, sites = 1;
  Dims inFile;                                      ///< a null one is `sites`
  llvm::SmallVector<int64_t> shape;                 ///< in the file
  std::vector<std::pair<std::string, Dim>> indexed; ///< dimensions that the name counts
  llvm::StringMap<std::string> texts;               ///< what other words in braces stand for
  Dim cut = nullptr, cutBy = nullptr;               ///< `cut by cutBy`: pieces, one for each index of cutBy
  size_t cutAxis = 0;                               ///< of `shape`
  llvm::SmallVector<int64_t> lengths;               ///< of the pieces
};
} // namespace

/// A word in braces in the name: a dimension of the tensor, which is counted, or a number or a text that is known.
bool Line::readWord(StringRef word, llvm::ArrayRef<Dim> dims) {
  auto isWord = [&](const auto &entry) { return entry.first == word; };
  if (texts.count(word) || llvm::any_of(indexed, isWord))
    return true;
  if (word == "site" || word == "layer") {
    texts[word] = std::to_string(word == "site" ? place.number : place.site->layer());
    return true;
  }
  for (Dim dim : dims)
    if (instance.scope->nameOf(dim) == word) {
      indexed.emplace_back(word.str(), dim);
      return true;
    }
  if (cutBy && instance.scope->nameOf(cutBy) == word) {
    indexed.emplace_back(word.str(), cutBy);
    return true;
  }
  Value value = evaluator.lookup(word, *place.scope, line.range);
  if (value.isError())
    return false;
  std::optional<double> number = value.is<Dim>() ? std::nullopt : value.number();
  const auto *text = value.as<std::string>();
  if (!text && !(number && *number == std::floor(*number) && std::fabs(*number) < 0x1p53))
    return refuse(line.range, "'{" + word + "}' in its name is " + value.describe() +
                                  ", and no dimension that it has, whole number or text");
  texts[word] = text ? *text : std::to_string(int64_t(*number));
  return true;
}

/// `as i64`, or what a tensor has in files if nothing is said: 32 bits for integers and for scalars.
bool Line::readType(llvm::ArrayRef<Dim> dims, PeftTensor &tensor) {
  using runtime::ElementType;
  if (!line.element) {
    if (!tensor.integer && dims.empty())
      tensor.type = ElementType::F32;
    return true;
  }
  tensor.type = runtime::elementTypeFromFormat(line.element.text);
  auto isInteger = [](ElementType type) { return type == ElementType::I32 || type == ElementType::I64; };
  if (tensor.type && (tensor.integer ? isInteger(*tensor.type) : runtime::isFloat(*tensor.type)))
    return true;
  return refuse(line.element.range, (tensor.integer ? "its integers are 'i32' or 'i64' there"
                                                    : "its numbers are 'f32', 'f64', 'f16' or 'bf16' there") +
                                        llvm::Twine(", got '") + line.element.text + "'");
}

/// `as [...]`, or the tensor's own dimensions.
bool Line::readShape(llvm::ArrayRef<Dim> dims) {
  auto counted = [&](Dim dim) { return llvm::any_of(indexed, [&](const auto &entry) { return entry.second == dim; }); };
  if (!line.shape) {
    for (Dim dim : dims)
      if (!counted(dim)) {
        inFile.push_back(dim);
        shape.push_back(dim->size);
      }
    return true;
  }
  for (const ast::Axis &axis : *line.shape) {
    int64_t size = 1;
    if (!axis.pieces.text.empty())
      cutAxis = shape.size();
    if (axis.integer.value_or(1) != 1)
      return refuse(axis.range, "a number in its shape can only be 1");
    for (const ast::Name &part : axis.names) {
      if (part.text == "sites") {
        size *= sites;
        inFile.push_back(nullptr);
        continue;
      }
      Dim dim = evaluator.dimOf(part.text, *instance.scope, part.range, dims);
      if (!dim)
        return false;
      if (indexOf(dims, dim) < 0 || llvm::is_contained(inFile, dim))
        return refuse(part.range, "'" + part.text + "' is not a dimension that it still has");
      size *= dim->size;
      inFile.push_back(dim);
    }
    shape.push_back(size);
  }
  for (Dim dim : dims)
    if (!llvm::is_contained(inFile, dim) && !counted(dim))
      return refuse(line.range, "its dimension '" + dim->name + "' is missing");
  return true;
}

/// `out by k`
bool Line::readPieces(const ast::Axis &axis, llvm::ArrayRef<Dim> dims) {
  if (cut)
    return refuse(axis.range, "only one of its dimensions can be in pieces");
  cut = evaluator.dimOf(axis.names.front().text, *instance.scope, axis.range, dims);
  cutBy = evaluator.dimOf(axis.pieces.text, *instance.scope, axis.pieces.range);
  if (!cut || !cutBy)
    return false;
  return line.fileNames.size() == 1 || refuse(line.range, "what is in pieces has one name");
}

/// Lengths of pieces are those that the directory has; they must be the whole dimension together.
bool Line::measurePieces() {
  assert(instance.group->stored && "adapters that were begun here have no form in PEFT");
  auto counts = [&](const auto &entry) { return entry.second == cutBy; };
  if (indexed.size() != 1 || llvm::none_of(indexed, counts))
    return refuse(line.range,
                  "its name must count its pieces, and nothing else: '{" + instance.scope->nameOf(cutBy) + "}'");
  int64_t whole = 0;
  for (int64_t index = 0; index < cutBy->size; ++index) {
    auto stored = instance.group->stored->find(nameOf(line.fileNames.front(), index));
    bool fits = stored != instance.group->stored->end() && stored->second.size() == shape.size();
    lengths.push_back(fits ? std::min(stored->second[cutAxis], cut->size) : 0);
    whole += lengths.back();
  }
  if (whole == cut->size)
    return true;
  elaborator.diagnostics().report(Diag::PeftPieces, instance.group->range, line.name.text, path, cut->size, whole);
  return false;
}

std::string Line::nameOf(StringRef pattern, llvm::ArrayRef<int64_t> indices) const {
  std::string name;
  bool root = pattern.consume_front("/");
  while (!pattern.empty()) {
    auto [before, rest] = pattern.split('{');
    name += before;
    if (before.size() == pattern.size())
      break;
    auto [word, after] = rest.split('}');
    auto text = texts.find(word);
    name += text != texts.end() ? text->second : "";
    for (auto [entry, index] : llvm::zip_equal(indexed, indices))
      if (entry.first == word)
        name += std::to_string(index);
    pattern = after;
  }
  if (root)
    return name;
  return peftWrapper.str() + path + (name.empty() ? "" : "." + name);
}

/// Nothing where file and tensor have the same elements in the same order.
std::optional<FilePart> Line::partOf(llvm::ArrayRef<Dim> dims, llvm::ArrayRef<int64_t> indices) const {
  FilePart part;
  auto sizeOf = [&](Dim dim) { return !dim ? sites : dim == cut ? lengths[indices.front()] : dim->size; };
  llvm::SmallVector<int64_t> fileSizes = llvm::map_to_vector(inFile, sizeOf);
  llvm::SmallVector<int64_t> inner = stridesOf(fileSizes), outer = stridesOf(sizesOf(dims));
  for (auto [place, dim] : llvm::enumerate(inFile))
    if (!dim)
      part.file.offset += site * inner[place];
  for (auto [place, dim] : llvm::enumerate(dims)) {
    int from = indexOf(inFile, dim);
    if (from >= 0) {
      part.sizes.push_back(sizeOf(dim));
      part.file.strides.push_back(inner[from]);
      part.tensor.strides.push_back(outer[place]);
    }
    for (auto [entry, index] : llvm::zip_equal(indexed, indices))
      if (entry.second == dim)
        part.tensor.offset += index * outer[place];
    if (dim == cut)
      part.tensor.offset +=
          outer[place] * std::accumulate(lengths.begin(), lengths.begin() + indices.front(), int64_t());
  }
  bool whole = indexed.empty() && !llvm::is_contained(inFile, Dim());
  return whole && part.file.strides == part.tensor.strides ? std::nullopt : std::optional(part);
}

/// Of the indices that the name counts, the last the fastest.
llvm::SmallVector<llvm::SmallVector<int64_t>> Line::combinations() const {
  llvm::SmallVector<llvm::SmallVector<int64_t>> all(1);
  for (const auto &entry : indexed) {
    auto shorter = std::exchange(all, {});
    for (const auto &indices : shorter)
      for (int64_t index = 0; index < entry.second->size; ++index) {
        all.push_back(indices);
        all.back().push_back(index);
      }
  }
  return all;
}

bool Line::add(llvm::ArrayRef<Dim> dims, const PeftTensor &like, std::vector<PeftTensor> &result) {
  PeftTensor typed = like;
  if (line.shape)
    for (const ast::Axis &axis : *line.shape)
      if (!axis.pieces.text.empty() && !readPieces(axis, dims))
        return false;
  for (const std::string &pattern : line.fileNames)
    for (StringRef word : ast::bracedWords(pattern))
      if (!readWord(word, dims))
        return false;
  if (!readShape(dims) || !readType(dims, typed) || (cut && !measurePieces()))
    return false;
  for (const auto &indices : combinations()) {
    std::string first;
    if (cut)
      shape[cutAxis] = lengths[indices.front()];
    for (const std::string &pattern : line.fileNames) {
      PeftTensor tensor = typed;
      tensor.fileName = nameOf(pattern, indices);
      tensor.copyOf = first;
      tensor.shape = shape;
      tensor.part = partOf(dims, indices);
      tensor.optional = line.optional;
      tensor.given = line.given;
      if (first.empty())
        first = tensor.fileName;
      result.push_back(std::move(tensor));
    }
  }
  return true;
}

//===----------------------------------------------------------------------===//
// All tensors
//===----------------------------------------------------------------------===//

/// The tensor of that name that an adapter declares, or null.
static const AdapterTensor *declared(const AdapterInstance &instance, StringRef name) {
  for (const AdapterTensor *tensor : instance.tensors)
    if (tensor->parameter == name)
      return tensor;
  return nullptr;
}

/// Whether a definition declares a tensor of that name, be it left out by its `when`.
static bool declares(llvm::ArrayRef<ast::ItemPtr> body, StringRef name) {
  return llvm::any_of(body, [&](const ast::ItemPtr &item) {
    if (const auto *on = llvm::dyn_cast<ast::OnItem>(item.get()))
      return declares(on->body, name);
    const auto *declarations = llvm::dyn_cast<ast::DeclarationsItem>(item.get());
    return declarations && llvm::any_of(declarations->declarations, [&](const ast::Declaration &declaration) {
             return declaration.targets.front().text == name;
           });
  });
}

/// Makes what stands under the path of a site copies of what the first site with the tensor has.
static void copyFirst(llvm::ArrayRef<PeftTensor> known, std::vector<PeftTensor> &copies) {
  const auto *first = known.begin();
  for (PeftTensor &copy : copies) {
    first = std::find_if(first, known.end(), [&](const PeftTensor &named) { return named.symbol == copy.symbol; });
    assert(first != known.end() && "the first site's stand before");
    copy.copyOf = first->fileName;
    ++first;
  }
}

/// Adds the tensors of one adapter; `places` counts those of each declaration met so far, of `counts` in the group.
bool PeftPlan::addTensors(const AdapterInstance &instance, Places &places, std::vector<PeftTensor> &result) const {
  const PeftClause *clause = clauseOf(instance);
  if (!clause)
    return true;
  for (const ast::FilesItem::Tensor *item : clause->tensors) {
    StringRef name = item->name.text;
    const AdapterTensor *tensor = declared(instance, name);
    Line line(elaborator, tensor ? *tensor->instance : instance, instance, pathOf(instance), *item);
    const ModelTensor *own = tensor ? nullptr : ownTensorNamed(instance, name);
    if (!tensor && !own && !clause->isShared(*item) && !declares(instance.definition->body, name)) {
      elaborator.diagnostics().report(Diag::PeftUnknownTensor, item->name.range, name, instance.definition->name.text);
      return false;
    }
    if ((!tensor && !own) || item->fileNames.empty() || !line.holds())
      continue;
    // A shared tensor is the first site's; what stands under the path of a site are copies, one at each.
    bool isElsewhere = tensor && tensor->instance != &instance;
    if (isElsewhere && line.isAtRoot() && item->fileNames.size() == 1)
      continue;
    PeftTensor like;
    like.own = own;
    if (tensor) {
      like.symbol = tensor->symbol;
      like.integer = tensor->integer;
      auto &[place, count] = places[{instance.definition, tensor->parameter}];
      line.setSites(isElsewhere ? place : place++, count);
    }
    std::vector<PeftTensor> added;
    if (!line.add(tensor ? tensor->dims : own->dims, like, added))
      return false;
    if (isElsewhere && line.isAtRoot())
      llvm::erase_if(added, [](const PeftTensor &named) { return named.copyOf.empty(); });
    else if (isElsewhere)
      copyFirst(result, added);
    llvm::append_range(result, added);
  }
  return true;
}

/// A trained tensor that no line names, or null. What a folded one is made of is not in the file.
const AdapterTensor *PeftPlan::unnamed(const AdapterGroup &group, llvm::ArrayRef<PeftTensor> tensors) const {
  auto folds = [](const AdapterTensor *tensor) { return tensor->folded != nullptr; };
  for (const auto &tensor : group.tensors)
    if (tensor->role == AdapterRole::Trained && clauseOf(*tensor->instance) &&
        llvm::none_of(tensor->instance->tensors, folds) &&
        llvm::none_of(tensors, [&](const PeftTensor &named) { return named.symbol == tensor->symbol; }))
      return tensor.get();
  return nullptr;
}

std::optional<std::vector<PeftTensor>> PeftPlan::tensors() const {
  std::vector<PeftTensor> result;
  for (const auto &group : llvm::drop_begin(model.groups(), firstGroup)) {
    Places places;
    for (const auto &tensor : group->tensors)
      ++places[{tensor->instance->definition, tensor->parameter}].second;
    for (const auto &instance : group->instances) {
      if (!addTensors(*instance, places, result))
        return std::nullopt;
      for (const auto &inner : instance->inner)
        if (!addTensors(*inner, places, result))
          return std::nullopt;
    }
    if (const AdapterTensor *lost = unnamed(*group, result)) {
      elaborator.diagnostics().report(Diag::PeftLacksTensor, lost->range, lost->parameter,
                                      lost->instance->definition->name.text);
      return std::nullopt;
    }
  }
  return result;
}

std::optional<std::vector<PeftTensor>> elaborate::peftTensors(Elaborator &elaborator, const AdaptedModel &model,
                                                              size_t firstGroup) {
  return PeftPlan(elaborator, model, firstGroup).tensors();
}
