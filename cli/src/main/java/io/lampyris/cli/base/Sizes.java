package io.lampyris.cli.base;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as people write them: {@code 512MiB}, {@code 10GiB}, {@code 1T}; powers of 1024. */
public final class Sizes {
  private static final Pattern FORM =
      Pattern.compile(
          "([0-9]+(?:\\.[0-9]+)?)\\s*(?:([KMGTP])(?:i?B)?|B)?", Pattern.CASE_INSENSITIVE);
  private static final String UNITS = "KMGTP";

  private Sizes() {}

  /**
   * The bytes that a text names.
   *
   * @param name what the message calls the value
   */
  public static long parse(String name, String text) throws InputException {
    Matcher form = FORM.matcher(text.strip());
    if (!form.matches()) {
      throw malformed(name, text);
    }
    String unit = form.group(2);
    int power = unit == null ? 0 : UNITS.indexOf(unit.toUpperCase(Locale.ROOT)) + 1;
    double bytes = Double.parseDouble(form.group(1)) * Math.pow(1024, power);
    if (bytes > 0x1p62 || bytes != Math.rint(bytes)) {
      throw malformed(name, text);
    }
    return form.group(1).indexOf('.') < 0
        ? Long.parseLong(form.group(1)) << (10 * power)
        : (long) bytes;
  }

  private static InputException malformed(String name, String text) {
    return InputException.of(
        name + " is not a size",
        "'" + text + "'",
        "a whole number of bytes below 4 EiB",
        "write it like 512MiB, 10GiB or 1T");
  }

  /** The largest unit that loses nothing: {@code 1536MiB}. */
  public static String exact(long bytes) {
    int power = bytes == 0 ? 0 : Math.min(UNITS.length(), Long.numberOfTrailingZeros(bytes) / 10);
    return power == 0
        ? bytes + "B"
        : (bytes >>> (10 * power)) + "" + UNITS.charAt(power - 1) + "iB";
  }

  /** For reading: {@code 1.5 GiB}. */
  public static String human(long bytes) {
    double value = bytes;
    int power = 0;
    while (value >= 1024 && power < UNITS.length()) {
      value /= 1024;
      power++;
    }
    return power == 0
        ? bytes + " B"
        : String.format(Locale.ROOT, "%.1f %ciB", value, UNITS.charAt(power - 1));
  }

  /** Bytes a second, in the unit that tables use. */
  public static double mebibytesPerSecond(long bytes, long elapsedNs) {
    return elapsedNs <= 0 ? 0 : bytes / 1048576.0 / (elapsedNs / 1e9);
  }
}
