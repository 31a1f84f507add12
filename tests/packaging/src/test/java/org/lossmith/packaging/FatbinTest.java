package org.lossmith.packaging;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The reader of fat binaries, on small ones made here. */
class FatbinTest {
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  private static byte[] image(int kind, int headerBytes, int bytes, int architecture) {
    ByteBuffer image = ByteBuffer.allocate(headerBytes + bytes).order(ORDER);
    image.putShort(0, (short) kind).putInt(4, headerBytes).putLong(8, bytes);
    image.putInt(28, architecture);
    // What is inside must not be taken for another file.
    for (int at = headerBytes; at + 4 <= image.capacity(); at += 4) {
      image.putInt(at, 0xba55ed50);
    }
    return image.array();
  }

  private static byte[] file(byte[]... images) {
    int bytes = Arrays.stream(images).mapToInt(image -> image.length).sum();
    ByteBuffer file = ByteBuffer.allocate(16 + bytes).order(ORDER);
    file.putInt(0xba55ed50).putShort((short) 1).putShort((short) 16).putLong(bytes);
    for (byte[] image : images) {
      file.put(image);
    }
    return file.array();
  }

  private static byte[] section(byte[]... files) {
    ByteBuffer section = ByteBuffer.allocate(4096).order(ORDER);
    for (byte[] file : files) {
      section.put(file);
      section.position((section.position() + 7) / 8 * 8);
    }
    return Arrays.copyOf(section.array(), section.position());
  }

  @Test
  void kindsAndArchitecturesOfAllFilesAreFound() {
    byte[] section =
        section(
            file(image(2, 64, 544, 80)),
            file(image(2, 64, 100, 90), image(1, 80, 348, 90)),
            file(image(2, 64, 8, 120)));
    assertEquals(Set.of("sm_80", "sm_90", "compute_90", "sm_120"), Fatbin.architectures(section));
  }

  @Test
  void anEmptySectionHoldsNothing() {
    assertEquals(Set.of(), Fatbin.architectures(new byte[0]));
    assertEquals(Set.of(), Fatbin.architectures(new byte[40]));
  }

  @Test
  void whatIsCutOffIsAnError() {
    byte[] section = file(image(2, 64, 100, 90), image(1, 64, 100, 90));
    byte[] cut = Arrays.copyOf(section, 200);
    assertThrows(IndexOutOfBoundsException.class, () -> Fatbin.architectures(cut));
  }
}
