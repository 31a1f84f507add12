package org.lossmith.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.GZIPInputStream;

/**
 * Reads a file row by row; the format is described at the {@linkplain org.lossmith.data package}.
 *
 * <pre>{@code
 * try (XmcReader reader = XmcReader.open(Path.of("train.txt"))) {
 *   for (XmcRow row = reader.read(); row != null; row = reader.read()) {
 *     use(row.labels(), row.features(), row.values());
 *   }
 * }
 * }</pre>
 *
 * <p>Values are rounded to the nearest float. The ids of a row need not ascend, their order is
 * kept. Lines may end in a line feed, also after a carriage return, or after one further space; the
 * last may lack its end. Everything else that is not the format is an {@link XmcFormatException}
 * that tells file, line and column: a header of other than three counts, fewer or more rows than it
 * says, an id out of its range or twice in a row, a value that is no number or not finite, other
 * separators, gzip data that is cut off. A line of no characters is a row without labels and
 * features, and nothing after the last row.
 *
 * <p>Cost: time linear in the bytes, memory for one row. For one thread at a time.
 */
public final class XmcReader implements AutoCloseable {
  private static final String NUMBER = "a finite number";

  private final XmcInput input;
  private final XmcHeader header;
  private final XmcIds labels = new XmcIds();
  private final XmcIds features = new XmcIds();
  private float[] values = new float[16];
  private long rows;

  private XmcReader(XmcInput input) throws IOException {
    this.input = input;
    header = readHeader();
  }

  /**
   * Opens a file and reads its header.
   *
   * @param file the file; one whose name ends in {@code .gz} is decompressed
   * @return a reader, to be closed by the caller
   * @throws XmcFormatException if the header is not as it should be
   * @throws IOException if the file cannot be read
   */
  public static XmcReader open(Path file) throws IOException {
    InputStream stream = Files.newInputStream(file);
    try {
      return of(stream, file.toString());
    } catch (IOException | RuntimeException e) {
      stream.close();
      throw e;
    }
  }

  /**
   * Starts to read a stream, which closing the reader closes.
   *
   * @param stream bytes of the format, compressed where the name ends in {@code .gz}
   * @param name how errors name the stream
   * @return a reader, to be closed by the caller
   * @throws XmcFormatException if the header is not as it should be
   * @throws IOException if the stream cannot be read
   */
  public static XmcReader of(InputStream stream, String name) throws IOException {
    InputStream plain = stream;
    if (name.toLowerCase(Locale.ROOT).endsWith(".gz")) {
      try {
        plain = new GZIPInputStream(stream, 1 << 16);
      } catch (IOException e) {
        throw new XmcFormatException(name, 1, 1, "expected gzip data, got: " + e.getMessage());
      }
    }
    return new XmcReader(new XmcInput(name, plain));
  }

  /**
   * What the first line says.
   *
   * @return the counts
   */
  public XmcHeader header() {
    return header;
  }

  /**
   * The number of rows read so far.
   *
   * @return a count from 0 to the points of the header
   */
  public long rows() {
    return rows;
  }

  /**
   * Reads the next row.
   *
   * @return a new row; null after the last
   * @throws XmcFormatException if it is not as it should be, if there is none although the header
   *     says so, or if there is something after the last
   * @throws IOException if the file cannot be read
   */
  public XmcRow read() throws IOException {
    if (rows == header.points()) {
      expectEnd();
      return null;
    }
    if (input.atEnd()) {
      throw input.error(
          input.column(), "expected " + header.points() + " rows as the header says, got " + rows);
    }
    labels.clear();
    features.clear();
    if (input.peek() != ' ' && !input.atEndOfLine()) {
      readLabels();
    }
    while (input.peek() == ' ') {
      input.skip();
      if (!input.atEndOfLine()) {
        readFeature();
      }
    }
    if (!input.atEndOfLine()) {
      throw input.unexpected("a space before the next feature or the end of the line");
    }
    checkOnce("label", labels);
    checkOnce("feature", features);
    input.skipEndOfLine();
    rows++;
    return new XmcRow(
        labels.toArray(), features.toArray(), Arrays.copyOf(values, features.count()));
  }

  /** Closes the file. */
  @Override
  public void close() throws IOException {
    input.close();
  }

  private XmcHeader readHeader() throws IOException {
    String what = "a header of three counts, points features labels";
    long points = input.integer(what);
    input.expect(' ', what);
    long featureCount = input.integer(what);
    input.expect(' ', what);
    long labelCount = input.integer(what);
    if (input.peek() == ' ') {
      input.skip();
    }
    if (!input.atEndOfLine()) {
      throw input.unexpected(what + ", and the end of the line");
    }
    input.skipEndOfLine();
    return new XmcHeader(points, featureCount, labelCount);
  }

  private void readLabels() throws IOException {
    readId("label", header.labels(), labels);
    while (input.peek() == ',') {
      input.skip();
      readId("label", header.labels(), labels);
    }
    if (input.peek() == ':') {
      throw input.unexpected("a comma or a space after a label (no labels: a space comes first)");
    }
    if (input.peek() != ' ' && !input.atEndOfLine()) {
      throw input.unexpected("a comma or a space after a label");
    }
  }

  private void readFeature() throws IOException {
    readId("feature", header.features(), features);
    input.expect(':', "a colon after a feature");
    int at = features.count() - 1;
    if (at == values.length) {
      values = Arrays.copyOf(values, 2 * at);
    }
    values[at] = input.number(NUMBER);
  }

  private void readId(String kind, long limit, XmcIds ids) throws IOException {
    long column = input.column();
    long id = input.integer("a " + kind);
    if (id >= limit) {
      throw input.error(
          column, "expected a " + kind + " below " + limit + " as the header says, got " + id);
    }
    ids.add(id, column);
  }

  private void checkOnce(String kind, XmcIds ids) throws XmcFormatException {
    int twice = ids.duplicate();
    if (twice >= 0) {
      throw input.error(
          ids.column(twice),
          "expected each " + kind + " once in a row, got " + ids.id(twice) + " again");
    }
  }

  private void expectEnd() throws IOException {
    while (!input.atEnd()) {
      if (!input.atEndOfLine()) {
        throw input.unexpected("the end of the file after " + rows + " rows as the header says");
      }
      input.skipEndOfLine();
    }
  }
}
