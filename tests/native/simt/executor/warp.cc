// What the lanes of a warp exchange.
#include "simt/warp.h"

#include <string>

#include "executor/block.h"
#include "executor/violation.h"
#include "simt/barrier.h"

namespace lossmith {
namespace cuda {
namespace simt {
namespace {

Block& running_block(const char* what) {
  Block& block = Block::instance();
  if (!block.runs()) fail(what);
  return block;
}

template <class F>
void for_each_lane(unsigned mask, F&& f) {
  for (int l = 0; l < kWarp; ++l) {
    if ((mask >> l & 1u) != 0) f(l);
  }
}

Exchange& of(void* const* brought, int lane) { return *static_cast<Exchange*>(brought[lane]); }

}  // namespace

int block_barrier(Operation operation, bool predicate, Place place) {
  return running_block("barrier").barrier(operation, predicate, place);
}

void meet(Operation operation, unsigned mask, void* brought, Complete complete, Place place) {
  running_block(name_of(operation)).meet(operation, mask, brought, complete, place);
}

int lane_index() { return running_block("lane").current() % kWarp; }

void check_width(int width) {
  if (width < 1 || width > kWarp || (width & (width - 1)) != 0) {
    fail("shuffle of width " + std::to_string(width) + ", not a power of two up to 32");
  }
}

void sync_warp(unsigned mask, Place place) {
  meet(
      Operation::syncwarp, mask, nullptr,
      [](void* const*, unsigned lanes) { Block::instance().sync_warp(lanes); }, place);
}

std::uint64_t shuffle(Operation operation, unsigned mask, std::uint64_t value, int from,
                      Place place) {
  Exchange mine;
  mine.value = value;
  mine.lane = from;
  meet(
      operation, mask, &mine,
      [](void* const* brought, unsigned lanes) {
        for_each_lane(lanes, [&](int l) {
          Exchange& e = of(brought, l);
          if ((lanes >> e.lane & 1u) == 0) {
            Block& block = Block::instance();
            const int id = block.current() / kWarp * kWarp + l;
            block.fail(id, "shuffle from lane " + std::to_string(e.lane) +
                               ", which takes no part: " + text_of(block.thread(id)));
          }
          e.result = of(brought, e.lane).value;
        });
      },
      place);
  return mine.result;
}

unsigned vote(Operation operation, unsigned mask, bool predicate, Place place) {
  Exchange mine;
  mine.value = predicate ? 1 : 0;
  meet(
      operation, mask, &mine,
      [](void* const* brought, unsigned lanes) {
        unsigned votes = 0;
        for_each_lane(lanes, [&](int l) { votes |= of(brought, l).value != 0 ? 1u << l : 0u; });
        for_each_lane(lanes, [&](int l) { of(brought, l).result = votes; });
      },
      place);
  return static_cast<unsigned>(mine.result);
}

unsigned match(Operation operation, unsigned mask, std::uint64_t value, int* predicate,
               Place place) {
  Exchange mine;
  mine.value = value;
  meet(
      operation, mask, &mine,
      [](void* const* brought, unsigned lanes) {
        for_each_lane(lanes, [&](int l) {
          unsigned same = 0;
          for_each_lane(lanes, [&](int other) {
            if (of(brought, other).value == of(brought, l).value) same |= 1u << other;
          });
          of(brought, l).result = same;
        });
      },
      place);
  const auto same = static_cast<unsigned>(mine.result);
  if (operation == Operation::match_any) return same;
  *predicate = same == mask ? 1 : 0;
  return same == mask ? mask : 0;
}

std::uint64_t reduce(Operation operation, unsigned mask, std::uint64_t value, Place place) {
  Exchange mine;
  mine.value = value;
  mine.lane = static_cast<int>(operation);
  meet(
      operation, mask, &mine,
      [](void* const* brought, unsigned lanes) {
        const int first = __builtin_ctz(lanes);
        const auto what = static_cast<Operation>(of(brought, first).lane);
        std::uint64_t total = of(brought, first).value;
        for_each_lane(lanes & (lanes - 1), [&](int l) {
          const std::uint64_t v = of(brought, l).value;
          const bool less = static_cast<std::int64_t>(v) < static_cast<std::int64_t>(total);
          switch (what) {
            case Operation::reduce_add:
              total += v;
              break;
            case Operation::reduce_min:
              total = less ? v : total;
              break;
            case Operation::reduce_max:
              total = less ? total : v;
              break;
            case Operation::reduce_and:
              total &= v;
              break;
            case Operation::reduce_or:
              total |= v;
              break;
            default:
              total ^= v;
              break;
          }
        });
        for_each_lane(lanes, [&](int l) { of(brought, l).result = total; });
      },
      place);
  return mine.result;
}

}  // namespace simt
}  // namespace cuda
}  // namespace lossmith
