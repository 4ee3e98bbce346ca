#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/event/event_fields.h"
#include "core/result/result.h"
#include "core/units/text.h"

// The operations that Fields<T>::each is called with. Format: protobuf encoding (protobuf.dev, "Encoding"),
// wire types 0 (varint) and 2 (length-delimited) only. Private to the codec.
namespace weir::stored {

// Enumerators are stored one higher: 0 is "unspecified" in protobuf.
template <class E>
constexpr uint64_t stored_choice(E value) {
  return static_cast<uint64_t>(value) + 1;
}

template <uint32_t N, uint32_t WireType>
struct Tag {
  static_assert(N >= 1 && N < 2048);
  static constexpr uint32_t kKey = N << 3 | WireType;
  static constexpr size_t kSize = kKey < 0x80 ? 1 : 2;
  static constexpr uint8_t kFirst = kSize == 1 ? kKey : static_cast<uint8_t>((kKey & 0x7F) | 0x80);
  static constexpr uint8_t kSecond = kSize == 1 ? 0 : static_cast<uint8_t>(kKey >> 7);
};

constexpr size_t varint_size(uint64_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

class Writer {
 public:
  explicit Writer(std::vector<std::byte>& out) : out_(out), at_(out.size()) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() { out_.resize(at_); }

  template <uint32_t N, class T, class L, class H>
  void number(const char*, const T& v, L, H) {
    if (v != 0)
      key_and_varint<N>(
          static_cast<uint64_t>(static_cast<std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>(v)));
  }
  template <uint32_t N, class L, class H>
  void zigzag(const char*, const int32_t& v, L, H) {
    if (v != 0) key_and_varint<N>((static_cast<uint32_t>(v) << 1) ^ static_cast<uint32_t>(v >> 31));
  }
  template <uint32_t N, class I>
  void id(const char*, const I& v) {
    if (v.valid()) key_and_varint<N>(v.value);
  }
  template <uint32_t N, class I>
  void id_or_none(const char* name, const I& v) {
    id<N>(name, v);
  }
  template <uint32_t N>
  void flag(const char*, const bool& v) {
    if (v) key_and_varint<N>(1);
  }
  template <uint32_t N, class E>
  void choice(const char*, const E& v, E) {
    key_and_varint<N>(stored_choice(v));
  }
  template <uint32_t N>
  void text(const char*, const std::string& v, size_t) {
    if (!v.empty()) string<N>(v);
  }
  template <uint32_t N>
  void texts(const char*, const std::vector<std::string>& v, size_t, size_t) {
    for (const auto& one : v) string<N>(one);
  }
  template <uint32_t N, class I>
  void ids(const char*, const std::vector<I>& v, size_t) {
    if (v.empty()) return;
    size_t size = 0;
    for (I one : v) size += varint_size(one.value);
    reserve(size + kHeadMax);
    key<N, 2>();
    varint(size);
    for (I one : v) varint(one.value);
  }
  template <uint32_t N, class T>
  void message(const char*, const T& v) {
    nested<N>(v, true);
  }
  template <uint32_t N, class T>
  void messages(const char*, const std::vector<T>& v, size_t) {
    for (const auto& one : v) nested<N>(one, false);
  }
  void require(bool, const char*, const char*) {}

  // A body under a number known only at run time.
  template <class T>
  void body(const T& v) {
    nested<Fields<T>::kNumber>(v, false);
  }

 private:
  static constexpr size_t kHeadMax = 12;  // a two-byte key and a ten-byte varint

  void reserve(size_t n) {
    if (out_.size() - at_ < n) out_.resize(std::max(out_.size() + out_.size() / 2, at_ + n + 128));
  }
  template <uint32_t N, uint32_t WireType>
  void key() {
    using T = Tag<N, WireType>;
    out_[at_++] = std::byte{T::kFirst};
    if constexpr (T::kSize == 2) out_[at_++] = std::byte{T::kSecond};
  }
  void varint(uint64_t v) {
    for (; v >= 0x80; v >>= 7) out_[at_++] = static_cast<std::byte>(v | 0x80);
    out_[at_++] = static_cast<std::byte>(v);
  }
  template <uint32_t N>
  void key_and_varint(uint64_t v) {
    reserve(kHeadMax);
    key<N, 0>();
    varint(v);
  }
  template <uint32_t N>
  void string(std::string_view v) {
    reserve(v.size() + kHeadMax);
    key<N, 2>();
    varint(v.size());
    if (!v.empty()) std::memcpy(&out_[at_], v.data(), v.size());
    at_ += v.size();
  }
  // Most messages are under 128 bytes, so that one byte is kept for the length and the rest moved if not.
  template <uint32_t N, class T>
  void nested(const T& v, bool omit_empty) {
    reserve(kHeadMax);
    const size_t before = at_;
    key<N, 2>();
    const size_t length_at = at_++;
    Fields<T>::each(*this, v);
    const size_t length = at_ - length_at - 1;
    if (length == 0 && omit_empty) {
      at_ = before;
    } else if (length < 0x80) {
      out_[length_at] = static_cast<std::byte>(length);
    } else {
      const size_t extra = varint_size(length) - 1;
      reserve(extra);
      std::memmove(&out_[length_at + 1 + extra], &out_[length_at + 1], length);
      at_ = length_at;
      varint(length);
      at_ += length;
    }
  }

  std::vector<std::byte>& out_;
  size_t at_;
};

// The first failure, with the path of the field that it is about.
class Failure {
 public:
  bool failed() const { return failed_; }
  void fail(ErrorCode code, std::string_view field, std::string what) {
    if (failed_) return;
    failed_ = true;
    code_ = code;
    path_ = field;
    what_ = std::move(what);
  }
  void within(std::string_view field) {
    path_ = path_.empty() ? std::string(field) : std::string(field) + "." + path_;
  }
  Error error(std::string_view of, std::string_view remedy) const {
    return {code_, what_, path_.empty() ? std::string(of) : std::string(of) + "." + path_,
            std::string(remedy)};
  }

 private:
  bool failed_ = false;
  ErrorCode code_ = ErrorCode::kInternal;
  std::string path_;
  std::string what_;
};

inline std::string item(const char* name, size_t index) {
  return std::string(name) + "[" + std::to_string(index) + "]";
}

// The rules that reading and checking share. Derived classes provide what else Fields needs.
class Rules {
 public:
  bool failed() const { return failure_.failed(); }
  const Failure& failure() const { return failure_; }

  void require(bool condition, const char* name, const char* what) {
    if (!failed() && !condition) failure_.fail(ErrorCode::kInvalid, name, what);
  }

 protected:
  template <class T, class L, class H>
  void in_range(const char* name, const T& v, L low, H high) {
    if (v < static_cast<T>(low) || v > static_cast<T>(high)) [[unlikely]] {
      failure_.fail(ErrorCode::kInvalid, name,
                    std::to_string(v) + (v < static_cast<T>(low) ? " is below " + std::to_string(low)
                                                                 : " is above " + std::to_string(high)));
    }
  }
  void id_in_range(const char* name, uint32_t v) {
    if (v > kIdMax) [[unlikely]]
      failure_.fail(ErrorCode::kInvalid, name, "no identifier, or one above the limit");
  }
  template <class E>
  void known(const char* name, E v, E last) {
    if (v > last) [[unlikely]] {
      failure_.fail(ErrorCode::kUnsupported, name,
                    "value " + std::to_string(static_cast<unsigned>(v)) + " is unknown");
    }
  }
  void text_ok(const char* name, std::string_view v, size_t bytes_max) {
    if (v.size() > bytes_max) [[unlikely]] {
      failure_.fail(ErrorCode::kInvalid, name,
                    std::to_string(v.size()) + " bytes are more than " + std::to_string(bytes_max));
    } else if (!valid_utf8(v)) [[unlikely]] {
      failure_.fail(ErrorCode::kInvalid, name, "is not UTF-8");
    }
  }
  void count_ok(const char* name, size_t count, size_t count_max) {
    if (count > count_max) [[unlikely]] {
      failure_.fail(ErrorCode::kInvalid, name,
                    std::to_string(count) + " entries are more than " + std::to_string(count_max));
    }
  }

  Failure failure_;
};

class Checker : public Rules {
 public:
  template <uint32_t N, class T, class L, class H>
  void number(const char* name, const T& v, L low, H high) {
    in_range(name, v, low, high);
  }
  template <uint32_t N, class L, class H>
  void zigzag(const char* name, const int32_t& v, L low, H high) {
    in_range(name, v, low, high);
  }
  template <uint32_t N, class I>
  void id(const char* name, const I& v) {
    id_in_range(name, v.value);
  }
  template <uint32_t N, class I>
  void id_or_none(const char* name, const I& v) {
    if (v.valid()) id_in_range(name, v.value);
  }
  template <uint32_t N>
  void flag(const char*, const bool&) {}
  template <uint32_t N, class E>
  void choice(const char* name, const E& v, E last) {
    known(name, v, last);
  }
  template <uint32_t N>
  void text(const char* name, const std::string& v, size_t bytes_max) {
    text_ok(name, v, bytes_max);
  }
  template <uint32_t N>
  void texts(const char* name, const std::vector<std::string>& v, size_t count_max, size_t bytes_max) {
    count_ok(name, v.size(), count_max);
    for (const auto& one : v) text_ok(name, one, bytes_max);
  }
  template <uint32_t N, class I>
  void ids(const char* name, const std::vector<I>& v, size_t count_max) {
    count_ok(name, v.size(), count_max);
    for (I one : v) id_in_range(name, one.value);
  }
  template <uint32_t N, class T>
  void message(const char* name, const T& v) {
    if (failed()) return;
    Fields<T>::each(*this, v);
    if (failed()) failure_.within(name);
  }
  template <uint32_t N, class T>
  void messages(const char* name, const std::vector<T>& v, size_t count_max) {
    count_ok(name, v.size(), count_max);
    for (size_t i = 0; i < v.size() && !failed(); ++i) {
      Fields<T>::each(*this, v[i]);
      if (failed()) failure_.within(item(name, i));
    }
  }
};

// Reads the one canonical form: since fields come in ascending order, each is either next or absent.
class Reader : public Rules {
 public:
  explicit Reader(std::span<const std::byte> bytes)
      : p_(reinterpret_cast<const uint8_t*>(bytes.data())), end_(p_ + bytes.size()) {}

  template <uint32_t N, class T, class L, class H>
  void number(const char* name, T& v, L low, H high) {
    uint64_t raw = 0;
    if (present<N, 0>()) raw = nonzero(name);
    if constexpr (std::is_signed_v<T>) {
      const auto wide = static_cast<int64_t>(raw);
      in_range(name, wide, int64_t{low}, int64_t{high});
      v = static_cast<T>(wide);
    } else {
      in_range(name, raw, static_cast<uint64_t>(low), static_cast<uint64_t>(high));
      v = static_cast<T>(raw);
    }
  }
  template <uint32_t N, class L, class H>
  void zigzag(const char* name, int32_t& v, L low, H high) {
    uint64_t raw = 0;
    if (present<N, 0>()) raw = nonzero(name);
    in_range(name, raw, uint64_t{0}, uint64_t{kU32});
    v = static_cast<int32_t>(static_cast<uint32_t>(raw >> 1) ^ (0u - static_cast<uint32_t>(raw & 1)));
    in_range(name, v, low, high);
  }
  template <uint32_t N, class I>
  void id(const char* name, I& v) {
    if (!present<N, 0>()) [[unlikely]] {
      failure_.fail(ErrorCode::kInvalid, name, "is missing");
      return;
    }
    v = I(identifier(name));
  }
  template <uint32_t N, class I>
  void id_or_none(const char* name, I& v) {
    v = present<N, 0>() ? I(identifier(name)) : I();
  }
  template <uint32_t N>
  void flag(const char* name, bool& v) {
    uint64_t raw = 0;
    if (present<N, 0>()) raw = nonzero(name);
    in_range(name, raw, uint64_t{0}, uint64_t{1});
    v = raw != 0;
  }
  template <uint32_t N, class E>
  void choice(const char* name, E& v, E last) {
    uint64_t raw = 0;
    if (present<N, 0>()) raw = nonzero(name);
    if (raw == 0) [[unlikely]] {
      failure_.fail(ErrorCode::kInvalid, name, "is missing");
    } else if (raw > stored_choice(last)) [[unlikely]] {
      failure_.fail(ErrorCode::kUnsupported, name, "value " + std::to_string(raw) + " is unknown");
    } else {
      v = static_cast<E>(raw - 1);
    }
  }
  template <uint32_t N>
  void text(const char* name, std::string& v, size_t bytes_max) {
    v.clear();
    if (!present<N, 2>()) return;
    string(name, v, bytes_max);
    if (v.empty()) spelled_out(name);
  }
  template <uint32_t N>
  void texts(const char* name, std::vector<std::string>& v, size_t count_max, size_t bytes_max) {
    v.clear();
    while (!failed() && present<N, 2>()) {
      count_ok(name, v.size() + 1, count_max);
      string(name, v.emplace_back(), bytes_max);
    }
  }
  template <uint32_t N, class I>
  void ids(const char* name, std::vector<I>& v, size_t count_max) {
    v.clear();
    if (!present<N, 2>()) return;
    const uint8_t* outer = enter(name);
    if (p_ == end_) spelled_out(name);
    while (!failed() && p_ < end_) {
      count_ok(name, v.size() + 1, count_max);
      v.push_back(I(identifier(name)));
    }
    end_ = outer;
  }
  template <uint32_t N, class T>
  void message(const char* name, T& v) {
    if (failed()) return;
    const uint8_t* outer = end_;
    if (present<N, 2>()) {
      outer = enter(name);
      if (p_ == end_) spelled_out("");
    } else {
      end_ = p_;  // an absent message is an empty one
    }
    nested(v, outer);
    if (failed()) failure_.within(name);
  }
  template <uint32_t N, class T>
  void messages(const char* name, std::vector<T>& v, size_t count_max) {
    v.clear();
    while (!failed() && present<N, 2>()) {
      count_ok(name, v.size() + 1, count_max);
      nested(v.emplace_back(), enter(name));
      if (failed()) failure_.within(item(name, v.size() - 1));
    }
  }

  // The whole of what is left is one message.
  template <class T>
  void root(T& v) {
    nested(v, end_);
  }
  // Key of a length-delimited field, 0 if there is none; its contents are entered.
  uint32_t enter_field() {
    const uint64_t key = varint("body");
    if (failed()) return 0;
    if ((key & 7) != 2 || key > kU32) {
      failure_.fail(ErrorCode::kCorrupt, "body", "is not an event's body");
      return 0;
    }
    if (enter("body") != end_ && !failed()) failure_.fail(ErrorCode::kCorrupt, "body", "bytes follow it");
    return static_cast<uint32_t>(key >> 3);
  }
  bool at_end() const { return p_ == end_; }

 private:
  template <uint32_t N, uint32_t WireType>
  bool present() {
    using T = Tag<N, WireType>;
    if (static_cast<size_t>(end_ - p_) < T::kSize || *p_ != T::kFirst) return false;
    if constexpr (T::kSize == 2) {
      if (p_[1] != T::kSecond) return false;
    }
    p_ += T::kSize;
    last_ = N;
    return true;
  }
  uint64_t varint(const char* name) {
    if (p_ < end_ && *p_ < 0x80) [[likely]]
      return *p_++;
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70 && p_ < end_; shift += 7) {
      const uint64_t byte = *p_++;
      if (shift == 63 && byte > 1) break;
      v |= (byte & 0x7F) << shift;
      if (byte < 0x80) {
        if (byte == 0 && shift > 0) break;  // not the shortest form
        return v;
      }
    }
    failure_.fail(ErrorCode::kCorrupt, name, "is a malformed number");
    p_ = end_;
    return 0;
  }
  uint64_t nonzero(const char* name) {
    const uint64_t raw = varint(name);
    if (raw == 0) [[unlikely]]
      spelled_out(name);
    return raw;
  }
  // A default is left out, so that an event has one form only.
  void spelled_out(const char* name) { failure_.fail(ErrorCode::kCorrupt, name, "spells out its default"); }
  uint32_t identifier(const char* name) {
    const uint64_t raw = varint(name);
    if (raw > kIdMax) [[unlikely]]
      failure_.fail(ErrorCode::kInvalid, name, "is an identifier above the limit");
    return static_cast<uint32_t>(raw);
  }
  // Narrows to the contents of a length-delimited field; returns the end to restore.
  const uint8_t* enter(const char* name) {
    const uint64_t size = varint(name);
    const uint8_t* outer = end_;
    if (size > static_cast<uint64_t>(end_ - p_)) [[unlikely]] {
      failure_.fail(ErrorCode::kCorrupt, name, "is cut short");
      end_ = p_;
    } else {
      end_ = p_ + size;
    }
    return outer;
  }
  void string(const char* name, std::string& v, size_t bytes_max) {
    const uint8_t* outer = enter(name);
    const std::string_view bytes(reinterpret_cast<const char*>(p_), static_cast<size_t>(end_ - p_));
    text_ok(name, bytes, bytes_max);
    if (!failed()) v.assign(bytes);
    p_ = end_;
    end_ = outer;
  }
  template <class T>
  void nested(T& v, const uint8_t* outer) {
    const uint32_t last = last_;
    last_ = 0;
    Fields<T>::each(*this, v);
    if (!failed() && p_ != end_) [[unlikely]]
      leftover();
    last_ = last;
    p_ = end_;
    end_ = outer;
  }
  void leftover() {
    const uint64_t key = varint("");
    const uint64_t number = key >> 3;
    if (failed() || number == 0) {
      failure_.fail(ErrorCode::kCorrupt, "", "has malformed bytes");
    } else if (number <= last_) {
      failure_.fail(ErrorCode::kCorrupt, "",
                    "field " + std::to_string(number) + " is repeated or out of order");
    } else {
      failure_.fail(ErrorCode::kUnsupported, "", "field " + std::to_string(number) + " is unknown");
    }
  }

  const uint8_t* p_;
  const uint8_t* end_;
  uint32_t last_ = 0;  // number of the field read last
};

}  // namespace weir::stored
