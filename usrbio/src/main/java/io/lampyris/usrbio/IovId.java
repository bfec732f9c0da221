package io.lampyris.usrbio;

import io.lampyris.client.FileSystemException;
import java.util.HexFormat;

/** The 16 bytes by which ring entries name registered memory, as two big-endian numbers. */
public record IovId(long high, long low) {
  private static final HexFormat HEX = HexFormat.of();
  private static final int DIGITS = 32;
  private static final int DIGITS_WITH_HYPHENS = 36;

  /**
   * Reads 32 hexadecimal digits, or 36 characters of the form 8-4-4-4-12.
   *
   * @throws FileSystemException EINVAL
   */
  static IovId parse(String text) throws FileSystemException {
    boolean hyphens = text.length() == DIGITS_WITH_HYPHENS;
    if (!hyphens && text.length() != DIGITS) {
      throw malformed(text);
    }
    long high = 0;
    long low = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (hyphens && isHyphenPlace(i)) {
        if (c != '-') {
          throw malformed(text);
        }
        continue;
      }
      int digit = hexDigit(c);
      if (digit < 0) {
        throw malformed(text);
      }
      high = high << 4 | low >>> 60;
      low = low << 4 | digit;
    }
    return new IovId(high, low);
  }

  private static boolean isHyphenPlace(int i) {
    return i == 8 || i == 13 || i == 18 || i == 23;
  }

  /** {@link Character#digit} would take the digits of every script. */
  private static int hexDigit(char c) {
    if (c >= '0' && c <= '9') {
      return c - '0';
    }
    char lower = (char) (c | 0x20);
    return c < 128 && lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  }

  private static FileSystemException malformed(String text) {
    return RegistrationKey.invalid(
        "a registration's name does not begin with a uuid", text, "32 hexadecimal digits");
  }

  /** The 32 digits. */
  @Override
  public String toString() {
    return HEX.toHexDigits(high) + HEX.toHexDigits(low);
  }
}
