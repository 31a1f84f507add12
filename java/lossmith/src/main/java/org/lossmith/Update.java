package org.lossmith;

/**
 * A step of an optimizer on rows of weights. For one element with weight w, gradient g and state,
 * learning rate a and weight decay c:
 *
 * <pre>{@code
 * SGD        w <- w - a (g + c w)
 * MOMENTUM   v <- mu v + (g + c w)             w <- w - a v
 * ADAGRAD    h <- h + (g + c w)^2              w <- w - a (g + c w) / (sqrt(h) + epsilon)
 * LION       u  = beta1 m + (1 - beta1) g      w <- w - a (sign(u) + c w)
 *            m <- beta2 m + (1 - beta2) g
 * ADAM       m <- beta1 m + (1 - beta1) (g + c w)     v <- beta2 v + (1 - beta2) (g + c w)^2
 *            w <- w - a (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)     t = step + 1
 * }</pre>
 *
 * <p>in f32 (f64 for f64 weights), operation by operation, so that the CPU and CUDA give the same
 * bits. {@link #projectRows} then divides every row by its norm, the constraint of the normalised
 * softmax. With {@link #stochasticRounding} bf16 and f16 weights are rounded up or down at random
 * so that the mean is exact, and steps below their precision are not lost; the random bits depend
 * on the seed, the number of the step, the row and the column, and on nothing else.
 *
 * <p>The losses over labels ({@link LabelLoss}) apply an update to a block of labels as soon as its
 * gradient is complete, which is then never stored, and give the same bits. By itself an update
 * steps any weights, given their gradient:
 *
 * <pre>{@code
 * Update update = Update.momentum(0.1, 0.9).withWeightDecay(1e-4);
 * try (Tensor state = update.newState(weights)) {
 *   for (long step = 0; step < steps; step++) {
 *     // ... computes the gradient
 *     update.step(context, gradient, weights, state, step);
 *   }
 * }
 * }</pre>
 *
 * <p>Papers: Duchi, Hazan, Singer: Adaptive Subgradient Methods for Online Learning and Stochastic
 * Optimization, JMLR 12, 2011; Kingma, Ba: Adam: A Method for Stochastic Optimization, ICLR 2015
 * (arXiv 1412.6980); Chen et al.: Symbolic Discovery of Optimization Algorithms, 2023 (arXiv
 * 2302.06675); Salmon et al.: Parallel Random Numbers: As Easy as 1, 2, 3, SC 2011 (the generator,
 * Philox4x32-10).
 *
 * @param rule the formula
 * @param learningRate finite, {@code >= 0}
 * @param momentum mu of MOMENTUM, beta1 of LION and ADAM, in [0, 1); 0 for the others
 * @param beta2 of LION and ADAM, in [0, 1); 0 for the others
 * @param epsilon of ADAGRAD and ADAM, finite, {@code > 0}; 0 for the others
 * @param weightDecay finite, {@code >= 0}
 * @param projectRows whether rows are divided by their norms after the step; rows of norm {@code <=
 *     1e-12} stay
 * @param stochasticRounding whether bf16 or f16 weights are rounded at random; an error with other
 *     weights
 * @param seed of the random bits
 */
public record Update(
    Rule rule,
    double learningRate,
    double momentum,
    double beta2,
    double epsilon,
    double weightDecay,
    boolean projectRows,
    boolean stochasticRounding,
    long seed) {
  /** The formulas of steps. */
  public enum Rule {
    /** Gradient descent; no state. */
    SGD(0),
    /** Heavy-ball momentum; the state is v. */
    MOMENTUM(1),
    /** Adagrad; the state is h, the sum of squares. */
    ADAGRAD(1),
    /** Lion; the state is m. */
    LION(1),
    /** Adam; the state is m and, beside it, v: twice as wide as the weights. */
    ADAM(2);

    private final int states;

    Rule(int states) {
      this.states = states;
    }

    /**
     * Whether the rule keeps a state beside the weights.
     *
     * @return false for SGD
     */
    public boolean hasState() {
      return states > 0;
    }

    /**
     * Whether the rule looks at {@link Update#momentum}.
     *
     * @return true for MOMENTUM, LION and ADAM
     */
    public boolean hasMomentum() {
      return this == MOMENTUM || hasBeta2();
    }

    /**
     * Whether the rule looks at {@link Update#beta2}.
     *
     * @return true for LION and ADAM
     */
    public boolean hasBeta2() {
      return this == LION || this == ADAM;
    }

    /**
     * Whether the rule looks at {@link Update#epsilon}.
     *
     * @return true for ADAGRAD and ADAM
     */
    public boolean hasEpsilon() {
      return this == ADAGRAD || this == ADAM;
    }

    /** How many times as wide as the weights the state is. */
    int states() {
      return states;
    }

    /** The number of the C interface. */
    int code() {
      return ordinal();
    }
  }

  /**
   * Checks the components.
   *
   * @param rule the formula
   * @param learningRate finite, {@code >= 0}
   * @param momentum mu of MOMENTUM, beta1 of LION and ADAM, in [0, 1); 0 for the others
   * @param beta2 of LION and ADAM, in [0, 1); 0 for the others
   * @param epsilon of ADAGRAD and ADAM, finite, {@code > 0}; 0 for the others
   * @param weightDecay finite, {@code >= 0}
   * @param projectRows whether rows are divided by their norms after the step
   * @param stochasticRounding whether bf16 or f16 weights are rounded at random
   * @param seed of the random bits
   * @throws IllegalArgumentException for a component outside its range
   */
  public Update {
    Checks.given("rule", rule);
    Checks.notNegative("learningRate", learningRate);
    fraction("momentum", momentum, rule.hasMomentum());
    fraction("beta2", beta2, rule.hasBeta2());
    if (rule.hasEpsilon()) {
      Checks.positive("epsilon", epsilon);
    } else {
      Checks.that(epsilon == 0, "epsilon", "0 for this rule", epsilon);
    }
    Checks.notNegative("weightDecay", weightDecay);
  }

  private static void fraction(String name, double value, boolean used) {
    if (used) {
      Checks.that(value >= 0 && value < 1, name, "a value in [0, 1)", value);
    } else {
      Checks.that(value == 0, name, "0 for this rule", value);
    }
  }

  private static Update of(Rule rule, double rate, double momentum, double beta2, double epsilon) {
    return new Update(rule, rate, momentum, beta2, epsilon, 0, false, false, 0);
  }

  /**
   * Gradient descent.
   *
   * @param learningRate finite, {@code >= 0}
   * @return an update
   * @throws IllegalArgumentException for a value outside its range
   */
  public static Update sgd(double learningRate) {
    return of(Rule.SGD, learningRate, 0, 0, 0);
  }

  /**
   * Momentum with mu = 0.9.
   *
   * @param learningRate finite, {@code >= 0}
   * @return an update
   * @throws IllegalArgumentException for a value outside its range
   */
  public static Update momentum(double learningRate) {
    return momentum(learningRate, 0.9);
  }

  /**
   * Momentum.
   *
   * @param learningRate finite, {@code >= 0}
   * @param mu how much of the velocity stays, in [0, 1)
   * @return an update
   * @throws IllegalArgumentException for a value outside its range
   */
  public static Update momentum(double learningRate, double mu) {
    return of(Rule.MOMENTUM, learningRate, mu, 0, 0);
  }

  /**
   * Adagrad with epsilon = 1e-10.
   *
   * @param learningRate finite, {@code >= 0}
   * @return an update
   * @throws IllegalArgumentException for a value outside its range
   */
  public static Update adagrad(double learningRate) {
    return of(Rule.ADAGRAD, learningRate, 0, 0, 1e-10);
  }

  /**
   * Lion with beta1 = 0.9 and beta2 = 0.99.
   *
   * @param learningRate finite, {@code >= 0}; a tenth or less of what other rules take
   * @return an update
   * @throws IllegalArgumentException for a value outside its range
   */
  public static Update lion(double learningRate) {
    return lion(learningRate, 0.9, 0.99);
  }

  /**
   * Lion.
   *
   * @param learningRate finite, {@code >= 0}; a tenth or less of what other rules take
   * @param beta1 share of the state in the direction, in [0, 1)
   * @param beta2 how much of the state stays, in [0, 1)
   * @return an update
   * @throws IllegalArgumentException for a value outside its range
   */
  public static Update lion(double learningRate, double beta1, double beta2) {
    return of(Rule.LION, learningRate, beta1, beta2, 0);
  }

  /**
   * Adam with beta1 = 0.9, beta2 = 0.999 and epsilon = 1e-8.
   *
   * @param learningRate finite, {@code >= 0}
   * @return an update
   * @throws IllegalArgumentException for a value outside its range
   */
  public static Update adam(double learningRate) {
    return adam(learningRate, 0.9, 0.999);
  }

  /**
   * Adam with epsilon = 1e-8. With a weight decay this is Adam on the gradient of the penalised
   * objective, not AdamW.
   *
   * @param learningRate finite, {@code >= 0}
   * @param beta1 how much of the mean gradient stays, in [0, 1)
   * @param beta2 how much of the mean square stays, in [0, 1)
   * @return an update
   * @throws IllegalArgumentException for a value outside its range
   */
  public static Update adam(double learningRate, double beta1, double beta2) {
    return of(Rule.ADAM, learningRate, beta1, beta2, 1e-8);
  }

  /**
   * This update with another component.
   *
   * @param learningRate the new value
   * @return a new update
   * @throws IllegalArgumentException for a value outside its range
   */
  public Update withLearningRate(double learningRate) {
    return new Update(
        rule,
        learningRate,
        momentum,
        beta2,
        epsilon,
        weightDecay,
        projectRows,
        stochasticRounding,
        seed);
  }

  /**
   * This update with another component.
   *
   * @param weightDecay the new value
   * @return a new update
   * @throws IllegalArgumentException for a value outside its range
   */
  public Update withWeightDecay(double weightDecay) {
    return new Update(
        rule,
        learningRate,
        momentum,
        beta2,
        epsilon,
        weightDecay,
        projectRows,
        stochasticRounding,
        seed);
  }

  /**
   * This update with another component.
   *
   * @param projectRows the new value
   * @return a new update
   */
  public Update withProjectRows(boolean projectRows) {
    return new Update(
        rule,
        learningRate,
        momentum,
        beta2,
        epsilon,
        weightDecay,
        projectRows,
        stochasticRounding,
        seed);
  }

  /**
   * This update with another epsilon; only for {@link Rule#ADAGRAD} and {@link Rule#ADAM}.
   *
   * @param epsilon the new value
   * @return a new update
   * @throws IllegalArgumentException for a value outside its range
   */
  public Update withEpsilon(double epsilon) {
    return new Update(
        rule,
        learningRate,
        momentum,
        beta2,
        epsilon,
        weightDecay,
        projectRows,
        stochasticRounding,
        seed);
  }

  /**
   * This update with weights rounded at random.
   *
   * @param seed of the random bits
   * @return a new update
   */
  public Update withStochasticRounding(long seed) {
    return new Update(
        rule, learningRate, momentum, beta2, epsilon, weightDecay, projectRows, true, seed);
  }

  /**
   * The state that this update keeps for weights, as it is before the first step: zeros.
   *
   * @param weights [l,d]
   * @return a new tensor [l,d], for {@link Rule#ADAM} [l,2d], on the device of the weights, f32 or
   *     for f64 weights f64, to be closed by the caller; null for {@link Rule#SGD}
   * @throws IllegalArgumentException if the weights are null, or no matrix for {@link Rule#ADAM}
   * @throws OutOfMemoryError if the memory cannot be had
   */
  public Tensor newState(Tensor weights) {
    Checks.given("weights", weights);
    if (!rule.hasState()) {
      return null;
    }
    DType type = weights.dtype() == DType.F64 ? DType.F64 : DType.F32;
    long[] shape = weights.shape();
    if (rule.states() > 1) {
      Checks.that(shape.length == 2, "weights", "a matrix", weights);
      shape[1] = Math.multiplyExact(shape[1], rule.states());
    }
    return Tensor.zeros(weights.device(), type, shape);
  }

  /**
   * One step on all rows, in place.
   *
   * @param context where to compute
   * @param gradient [l,d], f32 or the type of weights
   * @param weights [l,d], read and written
   * @param state as {@link #newState} makes it, read and written; null for {@link Rule#SGD}
   * @param step number of the step, from 0: {@link #stochasticRounding} takes other random bits for
   *     every step, and Adam's t is one more
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public void step(Context context, Tensor gradient, Tensor weights, Tensor state, long step) {
    step(context, gradient, null, weights, state, weights, step);
  }

  /**
   * One step on some rows, or into other memory.
   *
   * @param context where to compute
   * @param gradient [r,d], f32 or the type of weights
   * @param rowIds I64 [r], strictly increasing: the rows of weights that the rows of gradient
   *     belong to; null: all rows. Other rows are neither read nor written. On a CUDA device ids
   *     that no row has are passed over, not refused
   * @param weights [l,d]
   * @param state as {@link #newState} makes it, read and written; null for {@link Rule#SGD}
   * @param newWeights [l,d] of the type of weights: weights itself, or memory of its own
   * @param step number of the step
   * @throws IllegalArgumentException if an argument does not fit
   * @throws IllegalStateException if an argument is closed
   */
  public void step(
      Context context,
      Tensor gradient,
      Tensor rowIds,
      Tensor weights,
      Tensor state,
      Tensor newWeights,
      long step) {
    UpdateCalls.step(this, context, gradient, rowIds, weights, state, newWeights, step);
  }
}
