// Pointers into shared memory that check every access.
#ifndef LOSSMITH_SIMT_SHARED_H_
#define LOSSMITH_SIMT_SHARED_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "simt/shared_check.h"

namespace lossmith {
namespace cuda {

template <class T>
class Shared;

namespace simt {

// A declaration of LSM_SHARED. Its place is given at its first use in a block and stays for the
// block.
class StaticArray {
 public:
  constexpr StaticArray(const char* name, std::size_t bytes) : name_(name), bytes_(bytes) {}
  LOSSMITH_SIMT_PLAIN Range place() {
    if (serial_ != running.serial) take_place();
    return range_;
  }

 private:
  void take_place();

  const char* name_;
  std::size_t bytes_;
  std::uint64_t serial_ = 0;
  Range range_;
};

Range dynamic_range(unsigned byte_offset, std::size_t alignment);

// What p[i] is: reading converts it, writing assigns it.
template <class T>
class Element {
 public:
  using Value = std::remove_const_t<T>;

  LOSSMITH_SIMT_PLAIN explicit Element(const Shared<T>& at) : at_(at) {}
  Element(const Element&) = default;

  LOSSMITH_SIMT_PLAIN operator Value() const { return at_.read(); }
  LOSSMITH_SIMT_PLAIN const Element& operator=(const Value& value) const {
    at_.write(value);
    return *this;
  }
  LOSSMITH_SIMT_PLAIN const Element& operator=(const Element& other) const {
    return *this = static_cast<Value>(other);
  }

  template <class U>
  const Element& operator+=(const U& u) const {
    return *this = static_cast<Value>(at_.read() + u);
  }
  template <class U>
  const Element& operator-=(const U& u) const {
    return *this = static_cast<Value>(at_.read() - u);
  }
  template <class U>
  const Element& operator*=(const U& u) const {
    return *this = static_cast<Value>(at_.read() * u);
  }
  template <class U>
  const Element& operator/=(const U& u) const {
    return *this = static_cast<Value>(at_.read() / u);
  }
  template <class U>
  const Element& operator|=(const U& u) const {
    return *this = static_cast<Value>(at_.read() | u);
  }
  template <class U>
  const Element& operator&=(const U& u) const {
    return *this = static_cast<Value>(at_.read() & u);
  }
  template <class U>
  const Element& operator^=(const U& u) const {
    return *this = static_cast<Value>(at_.read() ^ u);
  }
  const Element& operator++() const { return *this += Value(1); }
  const Element& operator--() const { return *this -= Value(1); }

 private:
  Shared<T> at_;
};

}  // namespace simt

// A pointer to elements of type T in one array of shared memory. It may point anywhere; accesses
// must lie inside the array.
template <class T>
class Shared {
 public:
  using Value = std::remove_const_t<T>;
  static_assert(std::is_trivially_copyable<Value>::value, "shared memory holds plain data");

  Shared() = default;
  explicit Shared(const simt::Range& range, std::int64_t offset_in_range = 0)
      : range_(range), offset_(range.begin + offset_in_range) {}
  // To a pointer to const.
  template <class U,
            class = std::enable_if_t<std::is_same<const U, T>::value && !std::is_const<U>::value>>
  Shared(const Shared<U>& other) : range_(other.range()), offset_(other.offset()) {}

  template <class I>
  LOSSMITH_SIMT_PLAIN simt::Element<T> operator[](I i) const {
    return simt::Element<T>(*this + i);
  }
  simt::Element<T> operator*() const { return simt::Element<T>(*this); }
  template <class I>
  LOSSMITH_SIMT_PLAIN Shared operator+(I i) const {
    static_assert(std::is_integral<I>::value, "an index is an integer");
    Shared moved = *this;
    moved.move(static_cast<std::int64_t>(i));
    return moved;
  }
  template <class I>
  Shared operator-(I i) const {
    static_assert(std::is_integral<I>::value, "an index is an integer");
    Shared moved = *this;
    moved.move(-static_cast<std::int64_t>(i));
    return moved;
  }
  template <class I>
  Shared& operator+=(I i) {
    return *this = *this + i;
  }
  template <class I>
  Shared& operator-=(I i) {
    return *this = *this - i;
  }
  Shared& operator++() { return *this += 1; }
  Shared& operator--() { return *this -= 1; }
  std::int64_t operator-(const Shared& other) const {
    return (offset_ - other.offset_) / static_cast<std::int64_t>(sizeof(T));
  }

  // The element, checked. U: a type that takes the place of one or more elements.
  template <class U = Value>
  LOSSMITH_SIMT_PLAIN U read() const {
    check_place<U>("read");
    simt::check_read<sizeof(U)>(static_cast<std::uint32_t>(offset_), range_.array, sizeof(T));
    U value;
    std::memcpy(&value, simt::shared_data + offset_, sizeof(U));
    return value;
  }
  template <class U>
  LOSSMITH_SIMT_PLAIN void write(const U& value) const {
    static_assert(!std::is_const<T>::value, "a pointer to const");
    check_place<U>("write");
    simt::check_write<sizeof(U)>(static_cast<std::uint32_t>(offset_), range_.array, sizeof(T));
    std::memcpy(simt::shared_data + offset_, &value, sizeof(U));
  }

  // Inside the array, and aligned as U.
  template <class U>
  LOSSMITH_SIMT_PLAIN void check_place(const char* access) const {
    constexpr std::int64_t kBytes = sizeof(U);
    if (__builtin_expect(offset_ < range_.begin || offset_ + kBytes > range_.end, 0)) {
      simt::fail_bounds(offset_, kBytes, range_, sizeof(T), access);
    }
    if (alignof(U) > alignof(T) && __builtin_expect(offset_ % alignof(U) != 0, 0)) {
      simt::fail_alignment(offset_, alignof(U), range_, sizeof(T), access);
    }
  }

  const simt::Range& range() const { return range_; }
  std::int64_t offset() const { return offset_; }

 private:
  LOSSMITH_SIMT_PLAIN void move(std::int64_t elements) {
    // Far outside stays outside: no index comes back in by wrapping around.
    constexpr std::int64_t kFar = std::int64_t{1} << 40;
    const std::int64_t kept = elements > kFar ? kFar : elements < -kFar ? -kFar : elements;
    offset_ += kept * static_cast<std::int64_t>(sizeof(T));
  }

  simt::Range range_;
  std::int64_t offset_ = 0;  // of the element, from the start of shared memory
};

template <class T>
inline Shared<T> dynamic_shared(unsigned byte_offset = 0) {
  return Shared<T>(simt::dynamic_range(byte_offset, alignof(T)), byte_offset);
}

}  // namespace cuda
}  // namespace lossmith

#endif  // LOSSMITH_SIMT_SHARED_H_
