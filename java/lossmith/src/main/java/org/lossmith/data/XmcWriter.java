package org.lossmith.data;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.zip.GZIPOutputStream;

/**
 * Writes a file row by row, such that {@link XmcReader} reads the same rows; the format is
 * described at the {@linkplain org.lossmith.data package}. Values get as many digits as it takes to
 * read back the same float.
 *
 * <p>Cost: time linear in the bytes, memory for one row. For one thread at a time.
 */
public final class XmcWriter implements AutoCloseable {
  private static final int BUFFER_BYTES = 1 << 16;

  private final OutputStream stream;
  private final XmcHeader header;
  private final XmcIds ids = new XmcIds();
  private final StringBuilder line = new StringBuilder();
  private long rows;
  private boolean closed;

  private XmcWriter(OutputStream stream, XmcHeader header) throws IOException {
    this.stream = stream;
    this.header = header;
    line.append(header.points())
        .append(' ')
        .append(header.features())
        .append(' ')
        .append(header.labels());
    endLine();
  }

  /**
   * Creates or overwrites a file and writes its header.
   *
   * @param file the file; one whose name ends in {@code .gz} is compressed
   * @param header the counts
   * @return a writer, to be closed by the caller
   * @throws IOException if the file cannot be written
   */
  public static XmcWriter open(Path file, XmcHeader header) throws IOException {
    OutputStream stream = Files.newOutputStream(file);
    try {
      boolean compressed = file.toString().toLowerCase(Locale.ROOT).endsWith(".gz");
      return of(compressed ? new GZIPOutputStream(stream, BUFFER_BYTES) : stream, header);
    } catch (IOException | RuntimeException e) {
      stream.close();
      throw e;
    }
  }

  /**
   * Starts to write to a stream, which closing the writer closes.
   *
   * @param stream where to write
   * @param header the counts
   * @return a writer, to be closed by the caller
   * @throws IOException if the stream cannot be written
   */
  public static XmcWriter of(OutputStream stream, XmcHeader header) throws IOException {
    if (header == null) {
      throw new IllegalArgumentException("header: expected a value, got null");
    }
    return new XmcWriter(new BufferedOutputStream(stream, BUFFER_BYTES), header);
  }

  /**
   * Writes a row.
   *
   * @param row the row
   * @throws IllegalArgumentException if the header says that there are no more rows, an id is
   *     outside its range or twice in the row, or a value is not finite; nothing is written then
   * @throws IOException if the file cannot be written
   */
  public void write(XmcRow row) throws IOException {
    if (rows == header.points()) {
      throw new IllegalArgumentException(
          "row: expected " + rows + " rows as the header says, got one more");
    }
    check("label", row.labels(), header.labels());
    check("feature", row.features(), header.features());
    for (int i = 0; i < row.labels().length; i++) {
      line.append(i > 0 ? "," : "").append(row.labels()[i]);
    }
    for (int i = 0; i < row.features().length; i++) {
      float value = row.values()[i];
      if (!(Math.abs(value) <= Float.MAX_VALUE)) {
        line.setLength(0);
        throw new IllegalArgumentException("value: expected a finite number, got " + value);
      }
      line.append(' ').append(row.features()[i]).append(':').append(XmcNumbers.format(value));
    }
    if (line.length() == 0) {
      line.append(' '); // A line of no characters could be taken for no line.
    }
    endLine();
    rows++;
  }

  /**
   * Ends the file. Idempotent.
   *
   * @throws IllegalStateException if there are fewer rows than the header says; the file is closed
   * @throws IOException if the file cannot be written
   */
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    closed = true;
    stream.close();
    if (rows < header.points()) {
      throw new IllegalStateException(
          "rows: expected " + header.points() + " as the header says, got " + rows);
    }
  }

  private void check(String kind, long[] values, long limit) {
    ids.clear();
    for (int i = 0; i < values.length; i++) {
      if (values[i] < 0 || values[i] >= limit) {
        throw new IllegalArgumentException(
            kind + ": expected at least 0 and below " + limit + ", got " + values[i]);
      }
      ids.add(values[i], i);
    }
    int twice = ids.duplicate();
    if (twice >= 0) {
      throw new IllegalArgumentException(
          kind + ": expected each once in a row, got " + ids.id(twice) + " again");
    }
  }

  private void endLine() throws IOException {
    stream.write(line.append('\n').toString().getBytes(StandardCharsets.US_ASCII));
    line.setLength(0);
  }
}
