package org.lossmith.bench;

import org.lossmith.bench.provider.Agreement;

/** Two providers computed different results for the same problem. */
public final class DisagreementException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  DisagreementException(Agreement agreement) {
    super(
        String.format(
            "%s disagrees with %s: relative difference of loss %.2g, of grad x %.2g, of grad y"
                + " %.2g; nothing further is timed",
            agreement.subject(),
            agreement.reference(),
            agreement.loss(),
            agreement.gradX(),
            agreement.gradY()));
  }
}
