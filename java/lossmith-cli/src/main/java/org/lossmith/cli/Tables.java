package org.lossmith.cli;

import com.github.freva.asciitable.AsciiTable;
import com.github.freva.asciitable.Column;
import com.github.freva.asciitable.HorizontalAlign;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Tables for people, without a frame: columns of numbers to the right, others to the left. */
public final class Tables {
  private static final Pattern NUMBER = Pattern.compile("[-+]?\\d[\\d.,]*( ?[%a-zA-Z/]+)?|-");

  private Tables() {}

  /**
   * Formats a table.
   *
   * @param header titles of the columns
   * @param rows cells, as many in each row as titles
   */
  public static String format(List<String> header, List<List<String>> rows) {
    Column[] columns = new Column[header.size()];
    for (int i = 0; i < columns.length; i++) {
      int column = i;
      boolean numbers = rows.stream().allMatch(r -> NUMBER.matcher(r.get(column)).matches());
      HorizontalAlign side = numbers ? HorizontalAlign.RIGHT : HorizontalAlign.LEFT;
      columns[i] =
          new Column().header(header.get(i)).headerAlign(side).dataAlign(side).maxWidth(200);
    }
    Object[][] cells = rows.stream().map(r -> r.toArray(String[]::new)).toArray(String[][]::new);
    return AsciiTable.builder()
        .border(AsciiTable.NO_BORDERS)
        .data(columns, cells)
        .asString()
        .lines()
        .map(line -> line.startsWith(" ") ? line.substring(1) : line)
        .map(String::stripTrailing)
        .filter(line -> !line.isEmpty())
        .collect(Collectors.joining(System.lineSeparator()));
  }
}
