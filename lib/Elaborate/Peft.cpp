//===- Peft.cpp - adapters as PEFT directories ----------------------------===//

#include "ftc/Elaborate/Peft.h"

#include "Evaluator.h"

#include "ftc/Elaborate/Json.h"

#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <set>

using namespace ftc;
using namespace ftc::elaborate;
namespace json = ftc::runtime::json;

/// PEFT puts its own wrappers' path before a module's.
static constexpr llvm::StringLiteral wrapper = "base_model.model.";

const ast::FilesItem *elaborate::peftClause(const ast::Definition &definition) {
  for (const ast::ItemPtr &item : definition.body)
    if (const auto *files = llvm::dyn_cast<ast::FilesItem>(item.get()); files && files->clause.text == "peft")
      return files;
  return nullptr;
}

/// PEFT writes numbers without a fraction as integers.
static json::Value writtenNumber(json::Value value) {
  auto number = value.asNumber();
  return number && *number == std::floor(*number) && std::fabs(*number) < 0x1p53 ? json::Value(int64_t(*number))
                                                                                 : value;
}

namespace {
/// Writes the adapters of one model.
class PeftWriter {
public:
  PeftWriter(Elaborator &elaborator, const AdaptedModel &model, llvm::SMRange at)
      : elaborator(elaborator), evaluator(elaborator), model(model), at(at) {}

  std::optional<PeftAdapter> write(llvm::StringRef basePath);
  std::optional<std::vector<PeftTensor>> tensors(size_t firstGroup);

private:
  bool collect();
  json::Array targets() const;
  std::optional<json::Value> keyValue(const ast::Expr &expr);
  std::vector<json::Value> atSites(const ast::Expr &expr);
  std::optional<PeftTensor> describe(const AdapterTensor &tensor, const ast::FilesItem::Tensor &entry);

  Elaborator &elaborator;
  Evaluator evaluator;
  const AdaptedModel &model;
  llvm::SMRange at;
  const ast::FilesItem *clause = nullptr;
  std::vector<const AdapterInstance *> instances;
};
} // namespace

/// All adapters must be of one definition's clause: a directory has one peft_type and one set of keys.
bool PeftWriter::collect() {
  Diagnostics &diags = elaborator.diagnostics();
  for (const auto &group : llvm::drop_begin(model.groups(), model.mergedCount()))
    for (const auto &instance : group->instances) {
      if (model.isSettled(instance.get())) {
        if (instance->siteTensor)
          continue; // part of the model that the adapter belongs to
        diags.report(Diag::EarlierAdapters, at)
            .note(group->range, "put on here")
            .help("merge them first, as in 'adapt merge(run) { ... }', or save the merged model");
        return false;
      }
      const ast::FilesItem *own = peftClause(*instance->definition);
      if (!own) {
        diags.report(Diag::NoPeftClause, at, instance->definition->name.text)
            .note(group->range, "used here")
            .help("save it as safetensors, or merge it and save the model");
        return false;
      }
      if (clause && clause->type.text != own->type.text) {
        diags.report(Diag::SeveralPeftTypes, at, clause->type.text, own->type.text).note(group->range, "used here");
        return false;
      }
      clause = own;
      instances.push_back(instance.get());
    }
  if (!clause)
    diags.report(Diag::NothingForPeft, at);
  return clause != nullptr;
}

/// The shortest names that select exactly the sites: PEFT takes a module if its path ends with one of them.
json::Array PeftWriter::targets() const {
  std::set<std::string> sites, names;
  for (const AdapterInstance *instance : instances)
    sites.insert(instance->site->path);
  auto selectsOthers = [&](llvm::StringRef name) {
    return llvm::any_of(model.model().modules(), [&](const ModuleInstance *module) {
      llvm::StringRef path = module->path;
      return (path == name || path.ends_with(("." + name).str())) && !sites.count(module->path);
    });
  };
  for (llvm::StringRef path : sites) {
    size_t dot = path.rfind('.');
    while (dot != llvm::StringRef::npos && selectsOthers(path.drop_front(dot + 1)))
      dot = path.rfind('.', dot);
    names.insert((dot == llvm::StringRef::npos ? path : path.drop_front(dot + 1)).str());
  }
  json::Array array;
  for (const std::string &name : names)
    array.push_back(name);
  return array;
}

/// The value of an expression at each site.
std::vector<json::Value> PeftWriter::atSites(const ast::Expr &expr) {
  std::vector<json::Value> values;
  for (const AdapterInstance *instance : instances)
    values.push_back(writtenNumber(toJson(evaluator.eval(expr, *instance->scope))));
  return values;
}

/// The value that most sites have, the first of equals.
static const json::Value &commonest(const std::vector<json::Value> &values) {
  const json::Value *best = &values.front();
  ptrdiff_t most = 0;
  for (const json::Value &value : values)
    if (ptrdiff_t count = llvm::count(values, value); count > most) {
      most = count;
      best = &value;
    }
  return *best;
}

/// `_` is not written; `per_site(p)` lists the sites that differ from the commonest value; `sites_where(p)` those where
/// p holds; anything else has its commonest value.
std::optional<json::Value> PeftWriter::keyValue(const ast::Expr &expr) {
  if (const auto *name = llvm::dyn_cast<ast::NameExpr>(&expr); name && name->name == "_")
    return std::nullopt;
  const auto *call = llvm::dyn_cast<ast::CallExpr>(&expr);
  const auto *callee = call ? llvm::dyn_cast<ast::NameExpr>(call->callee.get()) : nullptr;
  bool perSite = callee && callee->name == "per_site", where = callee && callee->name == "sites_where";
  if (!perSite && !where)
    return commonest(atSites(expr));
  std::vector<json::Value> values = atSites(*call->arguments.front().value);
  json::Object differing;
  json::Array holding;
  for (auto [instance, value] : llvm::zip_equal(instances, values)) {
    if (!(value == commonest(values)))
      differing.push_back({instance->site->path, value});
    if (value.asBool().value_or(false))
      holding.push_back(instance->site->path);
  }
  return perSite ? json::Value(std::move(differing)) : json::Value(std::move(holding));
}

/// Name, shape and order of a tensor in the file.
std::optional<PeftTensor> PeftWriter::describe(const AdapterTensor &tensor, const ast::FilesItem::Tensor &entry) {
  PeftTensor result;
  result.tensor = &tensor;
  result.optional = entry.optional;
  llvm::StringRef name = entry.fileNames.front();
  std::string path = tensor.instance->site->path + ".";
  result.fileName = name.consume_front("/") ? name.str() : (wrapper + path + name).str();
  if (!entry.shape) {
    result.shape = sizesOf(tensor.dims);
    return result;
  }
  FileView view;
  Dims inFile;
  for (const ast::Axis &axis : *entry.shape) {
    int64_t size = axis.integer.value_or(1);
    for (const ast::Name &part : axis.names) {
      Dim dim = evaluator.dimOf(part.text, *tensor.instance->scope, part.range, tensor.dims);
      if (!dim || indexOf(tensor.dims, dim) < 0)
        return std::nullopt;
      size *= dim->size;
      inFile.push_back(dim);
      view.shape.push_back(dim->size);
    }
    result.shape.push_back(size);
  }
  for (Dim dim : tensor.dims)
    view.order.push_back(indexOf(inFile, dim));
  if (!llvm::is_sorted(view.order))
    result.view = std::move(view);
  return result;
}

std::optional<PeftAdapter> PeftWriter::write(llvm::StringRef basePath) {
  if (!collect())
    return std::nullopt;
  json::Object config;
  auto set = [&](llvm::StringRef key, json::Value value) { config.push_back({key.str(), std::move(value)}); };
  set("base_model_name_or_path", basePath.empty() ? json::Value() : json::Value(basePath.str()));
  set("bias", "none");
  set("inference_mode", true);
  set("peft_type", clause->type.text);
  set("revision", json::Value());
  set("target_modules", targets());
  set("task_type", "CAUSAL_LM");
  for (const ast::FilesItem::Key &key : clause->keys)
    if (auto value = keyValue(*key.value))
      set(key.name.text, std::move(*value));
  llvm::sort(config, [](const json::Member &a, const json::Member &b) { return a.key < b.key; });

  PeftAdapter adapter;
  adapter.config = json::dump(config, 2) + "\n";
  auto tensors = this->tensors(model.mergedCount());
  if (!tensors)
    return std::nullopt;
  adapter.tensors = std::move(*tensors);
  return adapter;
}

std::optional<std::vector<PeftTensor>> PeftWriter::tensors(size_t firstGroup) {
  std::vector<PeftTensor> result;
  for (const auto &group : llvm::drop_begin(model.groups(), firstGroup))
    for (const auto &tensor : group->tensors) {
      if (model.isSettled(tensor.get()))
        continue;
      for (const ast::FilesItem::Tensor &entry : peftClause(*tensor->instance->definition)->tensors)
        if (entry.name.text == tensor->parameter) {
          auto described = describe(*tensor, entry);
          if (!described)
            return std::nullopt;
          result.push_back(std::move(*described));
        }
    }
  return elaborator.diagnostics().errorCount() ? std::nullopt : std::optional(std::move(result));
}

std::optional<PeftAdapter> elaborate::writePeft(Elaborator &elaborator, const AdaptedModel &model,
                                                llvm::StringRef basePath, llvm::SMRange at) {
  return PeftWriter(elaborator, model, at).write(basePath);
}

std::optional<std::vector<PeftTensor>> elaborate::peftTensors(Elaborator &elaborator, const AdaptedModel &model,
                                                              size_t firstGroup) {
  return PeftWriter(elaborator, model, {}).tensors(firstGroup);
}
