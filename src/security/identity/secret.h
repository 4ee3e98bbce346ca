#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

namespace weir::identity {

// A private key or a token: wiped when it goes, and not printable by accident. Only reveal() shows it.
class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::string_view text) : bytes_(text.begin(), text.end()) {}
  SecretText(const SecretText&) = default;
  SecretText(SecretText&&) noexcept = default;
  SecretText& operator=(const SecretText& other);
  SecretText& operator=(SecretText&& other) noexcept;
  ~SecretText();

  // Valid until this object changes. Every copy that the caller makes outlives the wiping.
  std::string_view reveal() const { return {bytes_.data(), bytes_.size()}; }
  bool empty() const { return bytes_.empty(); }

 private:
  void wipe() noexcept;
  std::vector<char> bytes_;
};

SecretText joined(std::initializer_list<std::string_view> parts);

// Takes the same time wherever equally long texts differ.
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace weir::identity
