#include "core/ledger/proof_text.h"

#include <charconv>
#include <optional>
#include <utility>

namespace weir {
namespace {

constexpr std::string_view kInclusionTitle = "weir-inclusion-proof 1";
constexpr std::string_view kConsistencyTitle = "weir-consistency-proof 1";
// A tree of 2^64 records has paths of 64 hashes; a consistency proof has one more.
constexpr size_t kHashesMax = 65;

std::string hashes_text(const Proof& hashes) {
  std::string out;
  for (const Hash& hash : hashes) out += "hash " + to_hex(hash) + "\n";
  return out;
}

// Takes lines "name value" off a text; remembers the first thing that was wrong.
class LineReader {
 public:
  explicit LineReader(std::string_view text) : rest_(text) {}

  void title(std::string_view wanted) {
    std::string_view found = line();
    if (!error_ && found != wanted) refuse("expected \"" + std::string(wanted) + "\"");
  }

  std::string_view value(std::string_view name) {
    std::string_view found = line();
    if (error_) return {};
    if (found.size() <= name.size() || !found.starts_with(name) || found[name.size()] != ' ') {
      refuse("expected \"" + std::string(name) + " ...\"");
      return {};
    }
    return found.substr(name.size() + 1);
  }

  uint64_t number(std::string_view name) {
    std::string_view digits = value(name);
    uint64_t out = 0;
    auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    bool canonical = digits.size() == 1 || !digits.starts_with('0');
    if (!error_ && (code != std::errc{} || end != digits.data() + digits.size() || !canonical)) {
      refuse(std::string(name) + " must be a whole number below 2^64");
    }
    return out;
  }

  Hash hash(std::string_view name) {
    std::string_view digits = value(name);
    if (error_) return {};
    Result<Hash> out = hash_from_hex(digits);
    if (!out) {
      refuse(out.error().what);
      return {};
    }
    if (to_hex(*out) != digits) refuse("hexadecimal digits must be lower-case");
    return *out;
  }

  Proof hashes() {
    Proof out;
    while (!error_ && !rest_.empty()) {
      if (out.size() == kHashesMax) {
        ++line_;
        refuse("a proof has at most " + std::to_string(kHashesMax) + " hashes");
        break;
      }
      out.push_back(hash("hash"));
    }
    return out;
  }

  template <class T>
  Result<T> finish(T value) {
    if (error_) return tl::unexpected(*error_);
    return value;
  }

 private:
  std::string_view line() {
    ++line_;
    size_t end = rest_.find('\n');
    if (end == std::string_view::npos) {
      if (!error_) refuse("the text ends here; every line ends with a newline");
      rest_ = {};
      return {};
    }
    std::string_view out = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return out;
  }

  void refuse(std::string what) {
    error_ = Error{ErrorCode::kInvalid, std::move(what), "line " + std::to_string(line_),
                   "give the proof as `weir ledger prove` printed it"};
  }

  std::string_view rest_;
  size_t line_ = 0;
  std::optional<Error> error_;
};

}  // namespace

std::string to_text(const InclusionProof& proof) {
  return std::string(kInclusionTitle) + "\nindex " + std::to_string(proof.index) + "\nsize " +
         std::to_string(proof.head.size) + "\nleaf " + to_hex(proof.leaf) + "\nroot " +
         to_hex(proof.head.root) + "\n" + hashes_text(proof.hashes);
}

std::string to_text(const ConsistencyProof& proof) {
  return std::string(kConsistencyTitle) + "\nold-size " + std::to_string(proof.older.size) + "\nold-root " +
         to_hex(proof.older.root) + "\nsize " + std::to_string(proof.newer.size) + "\nroot " +
         to_hex(proof.newer.root) + "\n" + hashes_text(proof.hashes);
}

Result<InclusionProof> inclusion_proof_from_text(std::string_view text) {
  LineReader lines(text);
  InclusionProof out;
  lines.title(kInclusionTitle);
  out.index = lines.number("index");
  out.head.size = lines.number("size");
  out.leaf = lines.hash("leaf");
  out.head.root = lines.hash("root");
  out.hashes = lines.hashes();
  return lines.finish(std::move(out));
}

Result<ConsistencyProof> consistency_proof_from_text(std::string_view text) {
  LineReader lines(text);
  ConsistencyProof out;
  lines.title(kConsistencyTitle);
  out.older.size = lines.number("old-size");
  out.older.root = lines.hash("old-root");
  out.newer.size = lines.number("size");
  out.newer.root = lines.hash("root");
  out.hashes = lines.hashes();
  return lines.finish(std::move(out));
}

}  // namespace weir
