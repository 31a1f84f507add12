package org.lossmith.cli;

import picocli.CommandLine.IVersionProvider;

/** The version in the manifest of the jar: --version answers without loading the natives. */
final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    String version = Version.class.getPackage().getImplementationVersion();
    return new String[] {"lossmith " + (version == null ? "(not packaged)" : version)};
  }
}
