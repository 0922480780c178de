#include "simclr/kernels/gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "simclr/kernels/gemm.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// After foreach_target.h, as it demands.
#include <hwy/highway.h>

#include "simclr/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace simclr::HWY_NAMESPACE {

HWY_ATTR void run_product(const Product& product) { add_products(product); }

}  // namespace simclr::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace simclr {
namespace {
HWY_EXPORT(run_product);
}

void multiply(const Product& product) { HWY_DYNAMIC_DISPATCH(run_product)(product); }

}  // namespace simclr
#endif  // HWY_ONCE
