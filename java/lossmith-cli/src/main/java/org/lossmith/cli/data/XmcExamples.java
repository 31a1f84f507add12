package org.lossmith.cli.data;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import org.lossmith.cli.FailureException;
import org.lossmith.data.XmcHeader;
import org.lossmith.data.XmcReader;
import org.lossmith.data.XmcRow;

/**
 * Examples from files of the extreme classification repository. The values of a row are divided by
 * their Euclidean norm. Every failure is a {@link FailureException} that names flag and file.
 */
public final class XmcExamples {
  private static final int LARGEST_ARRAY = Integer.MAX_VALUE - 8;

  private final String place;
  private int[] starts = {0};
  private int[] slots = new int[1 << 12];
  private float[] values = new float[1 << 12];
  private int[] offsets = {0};
  private int[] labels = new int[1 << 12];

  private XmcExamples(String place) {
    this.place = place;
  }

  /**
   * Reads a file.
   *
   * @param flag the flag that the file was given with
   * @param training the examples that were trained on, whose features and labels the file must
   *     have; null for the file of the training itself
   */
  public static Examples read(String flag, Path file, Examples training) {
    String place = flag + " " + file;
    if (Files.isDirectory(file)) {
      throw new FailureException(place + ": expected a file, got a directory");
    }
    try (XmcReader reader = XmcReader.open(file)) {
      XmcExamples examples = new XmcExamples(place);
      examples.checkHeader(reader.header(), training);
      return examples.read(reader);
    } catch (NoSuchFileException e) {
      throw new FailureException(place + ": no such file or directory", e);
    } catch (AccessDeniedException e) {
      throw new FailureException(place + ": permission denied", e);
    } catch (IOException e) {
      throw new FailureException(flag + " " + e.getMessage(), e);
    }
  }

  private void checkHeader(XmcHeader header, Examples training) {
    check("points", header.points(), 0, LARGEST_ARRAY - 1);
    check("features", header.features(), 1, LARGEST_ARRAY);
    check("labels", header.labels(), 1, LARGEST_ARRAY);
    if (training != null) {
      same("features", training.features().buckets(), header.features());
      same("labels", training.labelCount(), header.labels());
    }
  }

  private void check(String what, long got, long least, long most) {
    if (got < least || got > most) {
      throw new FailureException(
          String.format("%s: expected from %d to %d %s, got %d", place, least, most, what, got));
    }
  }

  private void same(String what, long expected, long got) {
    if (got != expected) {
      throw new FailureException(
          String.format(
              "%s: expected %d %s as the file to train on has, got %d",
              place, expected, what, got));
    }
  }

  private Examples read(XmcReader reader) throws IOException {
    int points = (int) reader.header().points();
    // Not allocated from the header alone: a header may promise more than the file has.
    for (XmcRow row = reader.read(); row != null; row = reader.read()) {
      add((int) reader.rows(), points, row);
    }
    int used = starts[points];
    Features features =
        new Features(
            Arrays.copyOf(starts, points + 1),
            Arrays.copyOf(slots, used),
            Arrays.copyOf(values, used),
            (int) reader.header().features());
    return new Examples(
        features,
        Arrays.copyOf(offsets, points + 1),
        Arrays.copyOf(labels, offsets[points]),
        (int) reader.header().labels());
  }

  private void add(int rows, int points, XmcRow row) {
    if (rows >= starts.length) {
      int length = (int) Math.min(points + 1L, Math.max(1 << 10, 2L * rows));
      starts = Arrays.copyOf(starts, length);
      offsets = Arrays.copyOf(offsets, length);
    }
    int used = starts[rows - 1];
    int room = room(slots.length, used, row.features().length, "features");
    if (room > slots.length) {
      slots = Arrays.copyOf(slots, room);
      values = Arrays.copyOf(values, room);
    }
    double square = 0;
    for (float value : row.values()) {
      square += (double) value * value;
    }
    double norm = square == 0 ? 1 : Math.sqrt(square);
    for (int k = 0; k < row.features().length; k++) {
      slots[used + k] = (int) row.features()[k];
      values[used + k] = (float) (row.values()[k] / norm);
    }
    starts[rows] = used + row.features().length;

    int labelled = offsets[rows - 1];
    room = room(labels.length, labelled, row.labels().length, "labels");
    if (room > labels.length) {
      labels = Arrays.copyOf(labels, room);
    }
    for (int k = 0; k < row.labels().length; k++) {
      labels[labelled + k] = (int) row.labels()[k];
    }
    offsets[rows] = labelled + row.labels().length;
  }

  private int room(int length, int used, int more, String what) {
    if (used + (long) more <= length) {
      return length;
    }
    if (used + (long) more > LARGEST_ARRAY) {
      throw new FailureException(
          String.format(
              "%s: expected at most %d %s in all rows, got more", place, LARGEST_ARRAY, what));
    }
    return (int) Math.min(LARGEST_ARRAY, 2L * (used + more));
  }
}
