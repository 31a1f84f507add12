package org.lossmith.cli.demo;

import java.util.ArrayList;
import java.util.List;
import org.lossmith.Context;
import org.lossmith.Groups;
import org.lossmith.PowerMatrix;
import org.lossmith.PowerParameters;
import org.lossmith.PowerQuantizer;
import org.lossmith.PowerSearch;
import org.lossmith.Tensor;
import org.lossmith.cli.Progress;
import org.lossmith.cli.encoder.BagEncoder;
import org.lossmith.quantization.NetworkExponent;

/**
 * The table of a trained encoder in 8, 4, 3 and 2 bits: rounded to power grids, whose exponent is
 * found on the table itself, and to uniform ones. Every slot has a scale of its own, all share the
 * exponent. Names are looked for with the decoded table.
 */
final class QuantizedTable {
  static final List<Integer> BITS = List.of(8, 4, 3, 2);

  /** Slots that the exponent is found on: names come to slots at random, the first say enough. */
  private static final int SAMPLE = 8192;

  private final DemoData data;
  private final DemoSettings settings;
  private final Retrieval retrieval;

  QuantizedTable(DemoData data, DemoSettings settings) {
    this.data = data;
    this.settings = settings;
    retrieval = new Retrieval(data.english(), settings.width());
  }

  /** Tables that will be judged. */
  static int steps() {
    return 2 * BITS.size();
  }

  /** Quantizes the table; for each number of bits by the uniform grid first. */
  List<QuantizedReport> run(BagEncoder encoder, Progress progress) {
    List<QuantizedReport> reports = new ArrayList<>();
    BagEncoder decoded = new BagEncoder(settings.buckets(), settings.width(), settings.seed());
    try (Context context = Context.builder().threads(settings.threads()).build();
        Tensor table = Tensor.of(encoder.table(), settings.buckets(), settings.width())) {
      for (int bits : BITS) {
        PowerQuantizer quantizer = PowerQuantizer.of(bits).withGroups(Groups.perChannel(0));
        for (double exponent : new double[] {1, exponent(context, quantizer, table)}) {
          reports.add(judged(context, quantizer, table, exponent, decoded));
          progress.step();
        }
      }
    }
    return reports;
  }

  private double exponent(Context context, PowerQuantizer quantizer, Tensor table) {
    try (Tensor sample = table.rows(0, Math.min(SAMPLE, settings.buckets()))) {
      return NetworkExponent.of(PowerSearch.of(quantizer)).search(context, List.of(sample));
    }
  }

  private QuantizedReport judged(
      Context context,
      PowerQuantizer quantizer,
      Tensor table,
      double exponent,
      BagEncoder decoded) {
    try (PowerParameters parameters = quantizer.parameters(context, table, exponent);
        PowerMatrix codes = PowerMatrix.of(context, quantizer, table, parameters);
        Tensor values = codes.dequantize(context)) {
      values.copyTo(decoded.table());
      return new QuantizedReport(
          quantizer.bits(),
          exponent,
          codes.bytes(),
          retrieval.score(decoded, data.heldOut(), data.split().heldOut()),
          retrieval.score(decoded, data.zeroShot(), data.split().zeroShot()));
    }
  }
}
