package io.lampyris.cli;

import picocli.CommandLine.IVersionProvider;

/** What {@code --version} prints. */
final class Version implements IVersionProvider {
  static final String NUMBER = "0.1.0";

  @Override
  public String[] getVersion() {
    return new String[] {
      "lampyris " + NUMBER,
      "%s %s, %s %s"
          .formatted(
              System.getProperty("java.vm.name"),
              System.getProperty("java.version"),
              System.getProperty("os.name"),
              System.getProperty("os.version"))
    };
  }
}
