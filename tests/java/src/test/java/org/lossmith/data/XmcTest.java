package org.lossmith.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files of the extreme classification repository: what is written is read, what is wrong told. */
class XmcTest {
  @TempDir Path folder;

  @Test
  void readsTheExampleOfTheFormat() throws IOException {
    List<XmcRow> rows = read("3 5000 100\n17,4 0:0.5 12:1.25\n 3:1\n99\n");
    assertEquals(List.of(row("17,4", "0:0.5,12:1.25"), row("", "3:1"), row("99", "")), rows);
  }

  @Test
  void takesTheLineEndsOfOtherWriters() throws IOException {
    List<XmcRow> expected = List.of(row("1", "0:2"), row("", ""), row("2", ""), row("", "1:3"));
    assertEquals(expected, read("4 2 3\n1 0:2\n \n2\n 1:3\n"));
    assertEquals(expected, read("4 2 3 \n1 0:2 \n\n2 \n 1:3"), "spaces, no last end");
    assertEquals(expected, read("4 2 3\r\n1 0:2\r\n\r\n2\r\n 1:3\r\n\r\n\n"), "carriage returns");
    assertEquals(List.of(), read("0 7 7"));
  }

  @Test
  void keepsCountsAndIdsAbove32Bits() throws IOException {
    long many = 1L << 40;
    String text = "1 " + many + " " + many + "\n" + (many - 1) + ",0 " + (many - 2) + ":1\n";
    try (XmcReader reader = reader(text)) {
      assertEquals(new XmcHeader(1, many, many), reader.header());
      XmcRow row = reader.read();
      assertArrayEquals(new long[] {many - 1, 0}, row.labels());
      assertArrayEquals(new long[] {many - 2}, row.features());
      assertEquals(1, reader.rows());
      assertNull(reader.read());
      assertNull(reader.read());
    }
  }

  @ParameterizedTest
  @CsvSource({"data.txt", "data.txt.gz", "DATA.GZ"})
  void readsWhatItWrote(String name) throws IOException {
    Random random = new Random(1);
    XmcHeader header = new XmcHeader(500, 3000, 900);
    List<XmcRow> rows = new ArrayList<>();
    for (int i = 0; i < header.points(); i++) {
      rows.add(random(random, header));
    }
    Path file = folder.resolve(name);
    try (XmcWriter writer = XmcWriter.open(file, header)) {
      for (XmcRow row : rows) {
        writer.write(row);
      }
    }
    boolean compressed = name.toLowerCase(Locale.ROOT).endsWith("gz");
    assertEquals(compressed, Files.readAllBytes(file)[0] == 0x1f);
    try (XmcReader reader = XmcReader.open(file)) {
      assertEquals(header, reader.header());
      assertEquals(rows, rest(reader));
    }
  }

  @Test
  void roundsToTheNearestFloat() throws IOException {
    Random random = new Random(2);
    List<String> texts = new ArrayList<>();
    // Halfway between two floats, and next to that; the ends of the range; signs and exponents.
    texts.addAll(List.of("16777217", "16777219", "1.00000005960464477539", "3.4028235e38"));
    texts.addAll(List.of("1.4E-45", "0.7006e-45", "1e-400", "-0", "+.5", "5.", "1e+2", "0e999"));
    texts.addAll(List.of("00000000000000000000001.5", "0.000000000000000000000000000123"));
    for (int i = 0; i < 20_000; i++) {
      texts.add(new BigDecimal(random.nextFloat()).toPlainString().substring(0, 9));
      texts.add(Float.toString(Float.intBitsToFloat(random.nextInt() & 0x7f7fffff)));
      texts.add(Double.toString(random.nextGaussian() * 1e-3));
    }
    StringBuilder file = new StringBuilder(texts.size() + " 1 1\n");
    texts.forEach(text -> file.append(" 0:").append(text).append('\n'));
    List<XmcRow> rows = read(file.toString());
    for (int i = 0; i < texts.size(); i++) {
      assertEquals(Float.parseFloat(texts.get(i)), rows.get(i).values()[0], texts.get(i));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      ignoreLeadingAndTrailingWhitespace = false,
      textBlock =
          """
          |1:1|expected a header of three counts, points features labels, got the end of the file
          2 3|1:4|expected a header of three counts, points features labels, got the end of the
          2,3,4~|1:2|expected a header of three counts, points features labels, got ','
          2 3 4 5~|1:7|and the end of the line, got '5'
          -2 3 4~|1:1|points features labels, got '-'
          2 3.5 4~|1:4|points features labels, got '.'
          2  3 4~|1:3|points features labels, got a space
          99999999999999999999 3 4~|1:1|below 2^63, got a larger number
          ï|1:1|got byte 0xc3
          2 3 4~1 0:1~|3:1|expected 2 rows as the header says, got 1
          1 3 4~1 0:1~2 0:1~|3:1|expected the end of the file after 1 rows as the header says, got '2'
          1 3 4~1 0:1~ 0:1~|3:1|as the header says, got a space
          1 3 4~1 3:1~|2:3|expected a feature below 3 as the header says, got 3
          1 3 4~1,4 0:1~|2:3|expected a label below 4 as the header says, got 4
          1 3 4~2,1,2 0:1~|2:5|expected each label once in a row, got 2 again
          1 3 4~1 2:1 0:1 2:4~|2:11|expected each feature once in a row, got 2 again
          1 3 4~1 0:x~|2:5|expected a finite number, got 'x'
          1 3 4~1 0:nan~|2:5|expected a finite number, got 'nan'
          1 3 4~1 0:inf~|2:5|expected a finite number, got 'inf'
          1 3 4~1 0:1e999~|2:5|expected a finite number, got '1e999'
          1 3 4~1 0:0x1p3~|2:5|expected a finite number, got '0x1p3'
          1 3 4~1 0:1f~|2:5|expected a finite number, got '1f'
          1 3 4~1 0:1.2.3~|2:5|expected a finite number, got '1.2.3'
          1 3 4~1 0:1e~|2:5|expected a finite number, got '1e'
          1 3 4~1 0:.~|2:5|expected a finite number, got '.'
          1 3 4~1 0:~|2:5|expected a finite number, got the end of the line
          1 3 4~1 0~|2:4|expected a colon after a feature, got the end of the line
          1 3 4~1 0:1  1:1~|2:7|expected a feature, got a space
          1 3 4~1 0:1,1:1~|2:5|expected a finite number, got '1,1:1'
          1 3 4~0:1 1:1~|2:2|expected a comma or a space after a label (no labels: a space comes
          1 3 4~1;2 0:1~|2:2|expected a comma or a space after a label, got ';'
          1 3 4~1, 0:1~|2:3|expected a label, got a space
          1 3 4~1,,2 0:1~|2:3|expected a label, got ','
          1 3 4~,1 0:1~|2:1|expected a label, got ','
          1 3 4~1.5 0:1~|2:2|got '.'
          1 3 4~a 0:1~|2:1|expected a label, got 'a'
          1 3 4~1\t0:1~|2:2|expected a comma or a space after a label, got a tab
          1 3 4~1 0:1\t1:1~|2:6|expected a space before the next feature or the end of the line, got a tab
          1 3 4~1 0 :1~|2:4|expected a colon after a feature, got a space
          1 3 4~1 -1:1~|2:3|expected a feature, got '-'
          """)
  void tellsWhereAndWhatIsWrong(String text, String place, String problem) {
    String given = text == null ? "" : text.replace('~', '\n').replace("\\t", "\t");
    XmcFormatException e = assertThrows(XmcFormatException.class, () -> read(given));
    assertTrue(e.getMessage().startsWith("some.txt:" + place + ": expected "), e.getMessage());
    assertTrue(e.getMessage().contains(problem), e.getMessage());
    assertEquals(place, e.line() + ":" + e.column());
  }

  @Test
  void brokenFilesAreErrorsOrOtherRowsAndNothingElse() throws IOException {
    Random random = new Random(3);
    XmcHeader header = new XmcHeader(4, 30, 20);
    String alphabet = "0123456789 ,:.-+eE\n\r\tnan\u0000\u00e9";
    int failures = 0;
    for (int i = 0; i < 4_000; i++) {
      ByteArrayOutputStream whole = new ByteArrayOutputStream();
      try (XmcWriter writer = XmcWriter.of(whole, header)) {
        for (int r = 0; r < header.points(); r++) {
          writer.write(random(random, header));
        }
      }
      StringBuilder text = new StringBuilder(whole.toString(StandardCharsets.US_ASCII));
      for (int change = random.nextInt(3); change >= 0; change--) {
        int at = random.nextInt(text.length());
        char other = alphabet.charAt(random.nextInt(alphabet.length()));
        switch (random.nextInt(4)) {
          case 0 -> text.setCharAt(at, other);
          case 1 -> text.insert(at, other);
          case 2 -> text.replace(at, at + 1, text.length() > 1 ? "" : " ");
          default -> text.setLength(at + 1);
        }
      }
      try (XmcReader reader = reader(text.toString())) {
        List<XmcRow> rows = rest(reader);
        assertEquals(reader.header().points(), rows.size());
        rows.forEach(row -> assertFits(row, reader.header()));
      } catch (XmcFormatException e) {
        failures++;
        long lines = text.chars().filter(c -> c == '\n').count() + 1;
        assertTrue(e.line() >= 1 && e.line() <= lines, e.getMessage());
        assertTrue(e.column() >= 1, e.getMessage());
      }
    }
    assertTrue(failures > 2_000, "changes that broke the file: " + failures);
  }

  @Test
  void tellsWhatIsWrongWithCompressedFiles() throws IOException {
    Path file = folder.resolve("a.txt.gz");
    try (XmcWriter writer = XmcWriter.open(file, new XmcHeader(2000, 50, 50))) {
      Random random = new Random(4);
      for (int i = 0; i < 2000; i++) {
        writer.write(random(random, new XmcHeader(2000, 50, 50)));
      }
    }
    byte[] whole = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(whole, whole.length / 2));
    XmcFormatException e = assertThrows(XmcFormatException.class, () -> rest(XmcReader.open(file)));
    assertTrue(e.getMessage().contains("expected whole gzip data, got: "), e.getMessage());
    assertTrue(e.line() > 100, e.getMessage());
    Files.writeString(file, "1 2 3\n1 0:1\n");
    e = assertThrows(XmcFormatException.class, () -> XmcReader.open(file));
    assertTrue(e.getMessage().startsWith(file + ":1:1: expected gzip data, got"), e.getMessage());
    assertThrows(NoSuchFileException.class, () -> XmcReader.open(folder.resolve("no.txt")));
  }

  @Test
  void readsNoFurtherThanABufferAhead() throws IOException {
    long points = 50_000;
    byte[] start = (points + " 10 10\n").getBytes(StandardCharsets.US_ASCII);
    byte[] line = "1,2,3 1:0.25 2:0.5 9:1e-3\n".getBytes(StandardCharsets.US_ASCII);
    AtomicLong taken = new AtomicLong();
    InputStream stream =
        new InputStream() {
          @Override
          public int read() {
            long at = taken.getAndIncrement();
            long place = at - start.length;
            if (place >= points * line.length) {
              return -1;
            }
            return place < 0 ? start[(int) at] : line[(int) (place % line.length)];
          }
        };
    try (XmcReader reader = XmcReader.of(stream, "endless")) {
      while (reader.read() != null) {
        long needed = start.length + reader.rows() * line.length;
        assertTrue(taken.get() <= needed + (1 << 16), "bytes taken: " + taken.get());
      }
      assertEquals(points, reader.rows());
    }
  }

  @Test
  void theWriterRefusesWhatTheReaderWould() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    XmcWriter writer = XmcWriter.of(bytes, new XmcHeader(2, 3, 4));
    assertRefused(writer, row("4", ""), "label: expected at least 0 and below 4, got 4");
    assertRefused(writer, row("-1", ""), "label: expected at least 0 and below 4, got -1");
    assertRefused(writer, row("1", "3:1"), "feature: expected at least 0 and below 3, got 3");
    assertRefused(writer, row("2,1,2", ""), "label: expected each once in a row, got 2 again");
    assertRefused(writer, row("", "2:1,2:2"), "feature: expected each once in a row, got 2 again");
    assertRefused(writer, row("1", "0:1,1:NaN"), "value: expected a finite number, got NaN");
    writer.write(row("1", "0:1"));
    assertThrows(IllegalStateException.class, writer::close);
    writer.close();
    assertEquals("2 3 4\n1 0:1\n", bytes.toString(StandardCharsets.US_ASCII));

    try (XmcWriter full = XmcWriter.of(new ByteArrayOutputStream(), new XmcHeader(0, 1, 1))) {
      assertRefused(full, row("", ""), "row: expected 0 rows as the header says, got one more");
    }
    assertThrows(IllegalArgumentException.class, () -> new XmcHeader(-1, 0, 0));
    assertThrows(
        IllegalArgumentException.class,
        () -> new XmcRow(new long[0], new long[] {1}, new float[0]));
  }

  @Test
  void rowsAreEqualByTheirContents() {
    assertEquals(row("1,2", "3:4"), row("1,2", "3:4"));
    assertEquals(row("1,2", "3:4").hashCode(), row("1,2", "3:4").hashCode());
    assertNotEquals(row("1,2", "3:4"), row("2,1", "3:4"));
    assertNotEquals(row("1,2", "3:4"), row("1,2", "3:5"));
    assertEquals("XmcRow[labels [1], features [3], values [4.0]]", row("1", "3:4").toString());
  }

  private static void assertRefused(XmcWriter writer, XmcRow row, String message) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> writer.write(row));
    assertEquals(message, e.getMessage());
  }

  private static void assertFits(XmcRow row, XmcHeader header) {
    for (long label : row.labels()) {
      assertTrue(label >= 0 && label < header.labels());
    }
    for (long feature : row.features()) {
      assertTrue(feature >= 0 && feature < header.features());
    }
    for (float value : row.values()) {
      assertTrue(Float.isFinite(value));
    }
    assertEquals(row.labels().length, Arrays.stream(row.labels()).distinct().count());
    assertEquals(row.features().length, Arrays.stream(row.features()).distinct().count());
  }

  private static XmcRow random(Random random, XmcHeader header) {
    long[] labels = ids(random, header.labels());
    long[] features = ids(random, header.features());
    float[] values = new float[features.length];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          random.nextInt(4) == 0
              ? random.nextInt(100)
              : (float) (random.nextGaussian() * Math.pow(10, random.nextInt(60) - 30));
    }
    return new XmcRow(labels, features, values);
  }

  /** Up to 11 different ids, ascending or not. */
  private static long[] ids(Random random, long limit) {
    long[] ids = random.longs(0, limit).distinct().limit(random.nextInt(12)).toArray();
    if (random.nextBoolean()) {
      Arrays.sort(ids);
    }
    return ids;
  }

  /** A row from "1,2" and "3:0.5,4:1". */
  private static XmcRow row(String labels, String features) {
    String[] pairs = features.isEmpty() ? new String[0] : features.split(",");
    float[] values = new float[pairs.length];
    for (int i = 0; i < pairs.length; i++) {
      values[i] = Float.parseFloat(pairs[i].substring(pairs[i].indexOf(':') + 1));
    }
    return new XmcRow(
        Arrays.stream(labels.split(","))
            .filter(l -> !l.isEmpty())
            .mapToLong(Long::parseLong)
            .toArray(),
        Arrays.stream(pairs)
            .mapToLong(p -> Long.parseLong(p.substring(0, p.indexOf(':'))))
            .toArray(),
        values);
  }

  private static List<XmcRow> read(String text) throws IOException {
    try (XmcReader reader = reader(text)) {
      return rest(reader);
    }
  }

  private static XmcReader reader(String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return XmcReader.of(new ByteArrayInputStream(bytes), "some.txt");
  }

  private static List<XmcRow> rest(XmcReader reader) throws IOException {
    List<XmcRow> rows = new ArrayList<>();
    for (XmcRow row = reader.read(); row != null; row = reader.read()) {
      rows.add(row);
    }
    return rows;
  }
}
