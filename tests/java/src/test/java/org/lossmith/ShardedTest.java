package org.lossmith;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A loss over shards, merged, is the loss over everything. */
class ShardedTest extends DeviceTest {
  private static final int N = 11;
  private static final int M = 14;
  private static final int D = 6;

  /** Ends of the blocks of rows and of columns. */
  private static final int[] ROW_ENDS = {4, 11};

  private static final int[] COLUMN_ENDS = {3, 9, 14};

  private Context context;
  private Tensor x;
  private Tensor y;
  private Tensor weight;

  @BeforeEach
  void open() {
    context = Context.of(device());
    x = random(N, D, 1);
    y = random(M, D, 2);
    weight = there(Tensor.of(new Random(3).doubles(N).toArray()));
  }

  @AfterEach
  void close() {
    weight.close();
    y.close();
    x.close();
    context.close();
  }

  private Tensor random(int rows, int columns, long seed) {
    return there(
        Tensor.of(new Random(seed).doubles(rows * columns, -1, 1).toArray(), rows, columns));
  }

  /** One block of the scores with its inputs. */
  private record Block(Shard shard, int rows, int columns, ContrastiveInputs inputs) {}

  private interface Slicer {
    ContrastiveInputs slice(List<Tensor> open, int rowFrom, int rowTo, int from, int to);
  }

  private ContrastiveInputs embeddings(
      List<Tensor> open, int rowFrom, int rowTo, int from, int to) {
    open.add(x.rows(rowFrom, rowTo));
    open.add(y.rows(from, to));
    return ContrastiveInputs.of(open.get(open.size() - 2), open.get(open.size() - 1));
  }

  private static List<Block> blocks(List<Tensor> open, Slicer slicer) {
    List<Block> blocks = new ArrayList<>();
    for (int r = 0; r < ROW_ENDS.length; r++) {
      int rowFrom = r == 0 ? 0 : ROW_ENDS[r - 1];
      for (int c = 0; c < COLUMN_ENDS.length; c++) {
        int from = c == 0 ? 0 : COLUMN_ENDS[c - 1];
        ContrastiveInputs inputs = slicer.slice(open, rowFrom, ROW_ENDS[r], from, COLUMN_ENDS[c]);
        blocks.add(new Block(new Shard(rowFrom, from, N, M), r, c, inputs));
      }
    }
    return blocks;
  }

  private void checkMergesToTheWhole(ContrastiveLoss loss, ContrastiveInputs whole, Slicer slicer) {
    List<Tensor> open = new ArrayList<>();
    List<ShardStatistics> parts = new ArrayList<>();
    double sum = 0;
    double[] rowLoss = new double[N];
    double[] gradX = new double[N * D];
    double[] gradY = new double[M * D];
    List<Block> blocks = blocks(open, slicer);
    blocks.forEach(b -> parts.add(loss.statistics(context, b.shard, b.inputs)));
    for (Block b : blocks) {
      List<ShardStatistics> sameRows = new ArrayList<>();
      List<ShardStatistics> sameColumns = new ArrayList<>();
      for (int i = 0; i < parts.size(); i++) {
        if (blocks.get(i).rows == b.rows) {
          sameRows.add(parts.get(i));
        }
        if (blocks.get(i).columns == b.columns) {
          sameColumns.add(parts.get(i));
        }
      }
      try (ShardStatistics merged = ShardStatistics.merge(context, sameRows, sameColumns);
          LossResult r =
              loss.gradients(
                  context, b.shard, b.inputs.rowWeight(weight), merged, "x", "y", "row_loss")) {
        sum += r.loss();
        add(rowLoss, 0, r.rowLoss());
        add(gradX, (int) b.shard.rowOffset() * D, r.gradient("x"));
        add(gradY, (int) b.shard.columnOffset() * D, r.gradient("y"));
      }
    }
    parts.forEach(ShardStatistics::close);
    open.forEach(Tensor::close);
    try (LossResult r = loss.evaluate(context, whole.rowWeight(weight), "x", "y", "row_loss")) {
      assertEquals(r.loss(), sum, 1e-12);
      assertArrayEquals(r.rowLoss().toDoubleArray(), rowLoss, 1e-12);
      assertArrayEquals(r.gradient("x").toDoubleArray(), gradX, 1e-12);
      assertArrayEquals(r.gradient("y").toDoubleArray(), gradY, 1e-12);
    }
  }

  private static void add(double[] sum, int offset, Tensor addend) {
    double[] values = addend.toDoubleArray();
    for (int i = 0; i < values.length; i++) {
      sum[offset + i] += values[i];
    }
  }

  @Test
  void infoNceMergesToTheWhole() {
    checkMergesToTheWhole(
        InfoNce.symmetric(0.4).withLabelSmoothing(0.1),
        ContrastiveInputs.of(x, y),
        this::embeddings);
  }

  @Test
  void infoNceOfRowsMergesToTheWhole() {
    checkMergesToTheWhole(
        InfoNce.of(0.4).withNormalize(true), ContrastiveInputs.of(x, y), this::embeddings);
  }

  @Test
  void cwclMergesToTheWhole() {
    try (Tensor r = random(N, 4, 5);
        Tensor q = random(M, 4, 6)) {
      checkMergesToTheWhole(
          Cwcl.of(0.4),
          ContrastiveInputs.of(x, y).reference(r).referenceY(q),
          (open, rowFrom, rowTo, from, to) -> {
            ContrastiveInputs inputs = embeddings(open, rowFrom, rowTo, from, to);
            open.add(r.rows(rowFrom, rowTo));
            open.add(q.rows(from, to));
            return inputs
                .reference(open.get(open.size() - 2))
                .referenceY(open.get(open.size() - 1));
          });
    }
  }

  @Test
  void oneShardOfEverythingIsTheWholeToTheBit() {
    Shard all = new Shard(0, 0, N, M);
    InfoNce loss = InfoNce.symmetric(0.4);
    ContrastiveInputs inputs = ContrastiveInputs.of(x, y);
    try (ShardStatistics own = loss.statistics(context, all, inputs);
        ShardStatistics merged = ShardStatistics.merge(context, List.of(own), List.of(own));
        LossResult r = loss.gradients(context, all, inputs, merged, "x");
        LossResult whole = loss.evaluate(context, inputs, "x")) {
      assertEquals(whole.loss(), r.loss());
      assertArrayEquals(whole.gradient("x").toDoubleArray(), r.gradient("x").toDoubleArray());
    }
  }

  @Test
  void statisticsTravelAsArrays() {
    Shard all = new Shard(0, 0, N, M);
    InfoNce loss = InfoNce.symmetric(0.4);
    ContrastiveInputs inputs = ContrastiveInputs.of(x, y);
    try (ShardStatistics own = loss.statistics(context, all, inputs);
        ShardStatistics sentOver =
            ShardStatistics.of(
                own.rowLse().toDoubleArray(),
                own.columnLse().orElseThrow().toDoubleArray(),
                new double[0]);
        ShardStatistics received = sentOver.to(device());
        LossResult sent = loss.gradients(context, all, inputs, own);
        LossResult got = loss.gradients(context, all, inputs, received)) {
      assertTrue(own.weightSum().isEmpty());
      assertEquals(sent.loss(), got.loss());
    }
  }

  @Test
  void gradientsOfNarrowTypesAreAddedUpInF32() {
    Shard all = new Shard(0, 0, N, N);
    InfoNce loss = InfoNce.of(0.4);
    try (Tensor narrow = x.to(DType.BF16)) {
      ContrastiveInputs inputs = ContrastiveInputs.of(narrow, narrow);
      try (ShardStatistics own = loss.statistics(context, all, inputs);
          LossResult r = loss.gradients(context, all, inputs, own, "x")) {
        assertEquals(DType.F32, r.gradient("x").dtype());
      }
    }
  }

  @Test
  void badShardsAreNamed() {
    assertThrows(IllegalArgumentException.class, () -> new Shard(0, 0, -1, 4));
    assertThrows(IllegalArgumentException.class, () -> new Shard(0, 0, 5, 4));
    assertThrows(IllegalArgumentException.class, () -> new Shard(6, 0, 5, 5));
    assertThrows(IllegalArgumentException.class, () -> new Shard(0, -1, 5, 5));
    InfoNce loss = InfoNce.of(1);
    ContrastiveInputs inputs = ContrastiveInputs.of(x, y);
    Shard outside = new Shard(5, 0, N, M);
    assertThrows(IllegalArgumentException.class, () -> loss.statistics(context, outside, inputs));
    assertThrows(
        IllegalArgumentException.class, () -> ShardStatistics.merge(context, List.of(), List.of()));
    try (Tensor mask = there(Tensor.of(new byte[N]))) {
      Shard all = new Shard(0, 0, N, M);
      assertThrows(
          IllegalArgumentException.class, () -> loss.statistics(context, all, inputs.ignore(mask)));
    }
  }
}
