/**
 * Optimizer steps on rows of weights, and the projection of rows to unit length. The losses over
 * labels take the same options and apply the step to a block of labels as soon as its gradient is
 * complete, so that the gradient of all labels is never stored; that gives the same bits as storing
 * the gradient as f32 (f64 for f64 weights) and calling lsm_update_step.
 *
 * Formulas, for one element with weight w, gradient g, state and the options' learning_rate a,
 * momentum b1, beta2 b2, epsilon e and weight_decay c:
 *
 *     SGD        w <- w - a (g + c w)
 *     MOMENTUM   v <- b1 v + (g + c w)         w <- w - a v
 *     ADAGRAD    h <- h + (g + c w)^2          w <- w - a (g + c w) / (sqrt(h) + e)
 *     LION       u  = b1 m + (1 - b1) g        w <- w - a (sign(u) + c w)
 *                m <- b2 m + (1 - b2) g
 *     ADAM       m <- b1 m + (1 - b1) (g + c w)     v <- b2 v + (1 - b2) (g + c w)^2
 *                w <- w - a (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + e),   t = step + 1
 *
 * with sign(0) = 0. Adagrad's quotient is (a (g + c w)) / (sqrt(h) + e), Adam's (a (m / (1 - b1^t))) /
 * (sqrt(v / (1 - b2^t)) + e). The options, 1 - b1, 1 - b2, 1 - b1^t and 1 - b2^t are rounded to f32,
 * and every operation is one f32 operation, in this order and never contracted; with f64 weights
 * all of it is f64. So the CPU and CUDA give the same bits. NaN and infinities propagate.
 *
 * With project_rows a row is then multiplied by 1 / ||row||, the constraint of the normalised
 * softmax (Keras: MinMaxNorm(1, 1)). The norm is that of the new row before it is rounded to the
 * type of the weights; it is summed in f64 in an order that depends on the width alone. Rows of
 * norm <= 1e-12 stay as the step left them.
 *
 * Rounding to bf16 and f16 is to the nearest number, or stochastic: with quantum q and x between
 * the neighbours k q and (k+1) q, the result is (k+1) q with probability x/q - k, so that small
 * steps are not lost on average. (f16 results below 2^-14: to 2^-17 of that probability.) The
 * random bits come from Philox4x32-10 with the key `seed` and the counter (row * ceil(d/8) +
 * column / 8, step), 64 bits each, low words first: column k of a group of eight takes bits
 * 16 (k % 2) and above of word k / 2. They depend on the row, the column, the step and the seed and
 * on nothing else: not on blocks of rows, threads or the device.
 *
 * Papers: Adagrad: Duchi, Hazan, Singer, JMLR 12, 2011; Adam: Kingma, Ba, ICLR 2015, arXiv 1412.6980;
 * Lion: Chen et al. 2023, arXiv 2302.06675; Philox: Salmon et al., SC 2011; normalised softmax: Zhai,
 * Wu 2018, arXiv 1811.12649.
 */
#ifndef LOSSMITH_UPDATE_H_
#define LOSSMITH_UPDATE_H_

#include "tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The rule of a step. */
enum {
  /** Gradient descent; no state. */
  LSM_UPDATE_SGD = 0,
  /** Heavy-ball momentum; the state is v. */
  LSM_UPDATE_MOMENTUM = 1,
  /** Adagrad; the state is h, the sum of squares. */
  LSM_UPDATE_ADAGRAD = 2,
  /** Lion; the state is m. */
  LSM_UPDATE_LION = 3,
  /** Adam; the state is twice as wide as the weights: m in columns 0 .. d-1, v in d .. 2d-1. */
  LSM_UPDATE_ADAM = 4
};

/** Hyperparameters of a step; lsm_update_defaults fills them. */
typedef struct lsm_update_options {
  /** LSM_UPDATE_SGD, .._MOMENTUM, .._ADAGRAD, .._LION or .._ADAM. */
  int32_t rule;
  /** 1: rows are divided by their norm after the step. */
  int32_t project_rows;
  /** 1: bf16 or f16 weights are rounded at random; an error with other weights. */
  int32_t stochastic_rounding;
  /** Finite, >= 0. */
  double learning_rate;
  /** Momentum's, Lion's and Adam's b1 in [0, 1); the other rules do not look at it. */
  double momentum;
  /** Lion's and Adam's b2 in [0, 1). */
  double beta2;
  /** Adagrad's and Adam's e, finite, > 0. */
  double epsilon;
  /** Finite, >= 0. */
  double weight_decay;
  /** The key of stochastic rounding. */
  uint64_t seed;
  /**
   * The number of this step, from 0: stochastic rounding takes other random bits for every step, and
   * Adam's t is step + 1.
   */
  uint64_t step;
} lsm_update_options;

/**
 * Fills learning_rate 0.01 (Lion: 0.0001, Adam: 0.001), momentum 0.9 (SGD, Adagrad: 0), beta2 0.99
 * (Lion) or 0.999 (Adam), epsilon 1e-10 (Adagrad) or 1e-8 (Adam), and 0 for everything else. A rule
 * that does not exist is refused by the call that takes the options.
 */
LSM_API void lsm_update_defaults(int32_t rule, lsm_update_options* options);

/**
 * One step on all rows of weights or on some of them.
 *
 * gradient    [r,d] f32 or the type of weights
 * row_ids     optional, i64 [r], strictly increasing, from 0 to l-1: row i of gradient is that of
 *             row row_ids[i] of weights; NULL = all rows, then r = l
 * weights     [l,d] f32, bf16, f16 or f64
 * state       [l,d], Adam: [l,2d], f32 (f64 for f64 weights), read and written; NULL for SGD. It
 *             starts as zeros.
 * new_weights [l,d] of the type of weights: the very memory of weights (same address and strides)
 *             or memory of its own
 *
 * Rows that row_ids leaves out are neither read nor written. On CUDA nothing is read back: ids out
 * of range are passed over there instead of refused, and an id that comes twice gives one of the
 * two steps or a mixture.
 *
 * Cost: every element is read and written once. Workspace: none.
 * Errors: LSM_INVALID_ARGUMENT naming the argument.
 */
LSM_API lsm_status lsm_update_step(lsm_context context, const lsm_update_options* options,
                                   lsm_input gradient, lsm_input row_ids, lsm_input weights,
                                   lsm_output state, lsm_output new_weights);

/**
 * Rows of unit length: out = x / ||x||, rows of norm <= 1e-12 become 0. The norm is summed in f64
 * in an order that depends on the width alone; the quotient is x times 1 / ||x|| in f64, rounded
 * once to the type of out. NaN and infinities propagate.
 *
 * x     [n,d] f32, bf16, f16 or f64
 * out   [n,d] of any of these types: the very memory of x (same address, strides and type) or
 *       memory of its own
 * norms optional, [n] f32 or f64: ||x||
 *
 * Errors: LSM_INVALID_ARGUMENT naming the argument.
 */
LSM_API lsm_status lsm_normalize_rows(lsm_context context, lsm_input x, lsm_output out,
                                      lsm_output norms);

#ifdef __cplusplus
}
#endif

#endif /* LOSSMITH_UPDATE_H_ */
