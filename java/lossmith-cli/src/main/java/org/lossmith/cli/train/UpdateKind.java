package org.lossmith.cli.train;

import com.fasterxml.jackson.annotation.JsonValue;
import org.lossmith.Update;

/** The rules by which the labels' vectors are stepped, by the names of the command line. */
public enum UpdateKind {
  SGD("sgd"),
  MOMENTUM("momentum"),
  ADAGRAD("adagrad"),
  LION("lion"),
  ADAM("adam");

  private final String flag;

  UpdateKind(String flag) {
    this.flag = flag;
  }

  /** The rule with a rate. */
  Update update(double rate) {
    return switch (this) {
      case SGD -> Update.sgd(rate);
      case MOMENTUM -> Update.momentum(rate);
      case ADAGRAD -> Update.adagrad(rate);
      case LION -> Update.lion(rate);
      case ADAM -> Update.adam(rate);
    };
  }

  /** Returns the name on the command line and in JSON. */
  @Override
  @JsonValue
  public String toString() {
    return flag;
  }
}
