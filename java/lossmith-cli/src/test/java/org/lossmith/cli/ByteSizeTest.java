package org.lossmith.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class ByteSizeTest {
  @ParameterizedTest
  @CsvSource({
    "1,1",
    "65536,65536",
    "64K,65536",
    "64M,67108864",
    "1.5g,1610612736",
    "1GiB,1073741824"
  })
  void reads(String text, long bytes) {
    assertEquals(bytes, new ByteSize().convert(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "M", "-1", "0", "64X", "1e9", "99999999T"})
  void rejects(String text) {
    assertThrows(TypeConversionException.class, () -> new ByteSize().convert(text));
  }

  @Test
  void formats() {
    assertEquals("0 B", ByteSize.format(0));
    assertEquals("1023 B", ByteSize.format(1023));
    assertEquals("1.50 KiB", ByteSize.format(1536));
    assertEquals("64.0 MiB", ByteSize.format(1 << 26));
    assertEquals("1024 TiB", ByteSize.format(Math.pow(2, 50)));
  }
}
