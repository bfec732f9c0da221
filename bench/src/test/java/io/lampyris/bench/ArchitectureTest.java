package io.lampyris.bench;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import org.junit.jupiter.api.Test;

class ArchitectureTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.lampyris");

  @Test
  void modulesUseOnlyWhatTheArchitecturePageAllows() {
    layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .layer("bindings")
        .definedBy("io.lampyris.bindings..")
        .layer("protocol")
        .definedBy("io.lampyris.protocol..")
        .layer("reactor")
        .definedBy("io.lampyris.reactor..")
        .layer("chunk-engine")
        .definedBy("io.lampyris.chunkengine..")
        .layer("meta")
        .definedBy("io.lampyris.meta..")
        .layer("mgmtd")
        .definedBy("io.lampyris.mgmtd..")
        .layer("client")
        .definedBy("io.lampyris.client..")
        .layer("usrbio")
        .definedBy("io.lampyris.usrbio..")
        .layer("fuse")
        .definedBy("io.lampyris.fuse..")
        .layer("cli")
        .definedBy("io.lampyris.cli..")
        .layer("bench")
        .definedBy("io.lampyris.bench..")
        .whereLayer("bindings")
        .mayNotAccessAnyLayer()
        .whereLayer("protocol")
        .mayNotAccessAnyLayer()
        .whereLayer("reactor")
        .mayOnlyAccessLayers("bindings", "protocol")
        .whereLayer("chunk-engine")
        .mayOnlyAccessLayers("bindings", "protocol", "reactor")
        .whereLayer("meta")
        .mayOnlyAccessLayers("bindings", "protocol", "reactor")
        .whereLayer("mgmtd")
        .mayOnlyAccessLayers("bindings", "protocol", "reactor")
        .whereLayer("client")
        .mayOnlyAccessLayers("bindings", "protocol", "reactor")
        .whereLayer("usrbio")
        .mayOnlyAccessLayers("bindings", "protocol", "reactor", "client")
        .whereLayer("fuse")
        .mayOnlyAccessLayers("bindings", "protocol", "reactor", "client")
        .whereLayer("cli")
        .mayOnlyBeAccessedByLayers("bench")
        .check(CLASSES);
  }

  @Test
  void packagesOfTheChunkEngineUseOnlyThoseBelowThem() {
    String engine = "io.lampyris.chunkengine.";
    layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .layer("format")
        .definedBy(engine + "format")
        .layer("host")
        .definedBy(engine + "host")
        .layer("space")
        .definedBy(engine + "space")
        .layer("index")
        .definedBy(engine + "index")
        .layer("session")
        .definedBy(engine + "session")
        .layer("options")
        .definedBy(engine + "options")
        .layer("log")
        .definedBy(engine + "log")
        .layer("redo")
        .definedBy(engine + "redo")
        .layer("recovery")
        .definedBy(engine + "recovery")
        .layer("store")
        .definedBy(engine + "store")
        .layer("check")
        .definedBy(engine + "check")
        .layer("service")
        .definedBy(engine + "service")
        .whereLayer("format")
        .mayNotAccessAnyLayer()
        .whereLayer("host")
        .mayOnlyAccessLayers("format")
        .whereLayer("space")
        .mayOnlyAccessLayers("format")
        .whereLayer("index")
        .mayOnlyAccessLayers("format")
        .whereLayer("session")
        .mayOnlyAccessLayers("format")
        .whereLayer("options")
        .mayOnlyAccessLayers("format", "host", "space")
        .whereLayer("log")
        .mayOnlyAccessLayers("format", "host", "space", "session", "options")
        .whereLayer("redo")
        .mayOnlyAccessLayers("format", "space", "log")
        .whereLayer("recovery")
        .mayOnlyAccessLayers(
            "format", "host", "space", "index", "session", "options", "log", "redo")
        .whereLayer("check")
        .mayOnlyAccessLayers("format", "host", "space", "index", "options", "log", "recovery")
        .whereLayer("store")
        .mayOnlyBeAccessedByLayers("service")
        .whereLayer("service")
        .mayNotBeAccessedByAnyLayer()
        .check(CLASSES);
  }

  @Test
  void engineCodeAsksNoClockOfItsOwn() {
    ArchRuleDefinition.noClasses()
        .that()
        .resideInAnyPackage("io.lampyris.chunkengine..", "io.lampyris.meta.ops..")
        .and()
        .doNotHaveSimpleName(
            "TargetFiles") // formatting stamps a superblock before any reactor runs
        .should()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(Math.class, "random")
        .orShould()
        .callMethod(Thread.class, "sleep", long.class)
        .because("time and chance come in from outside, so that the simulator can own them")
        .check(CLASSES);
  }
}
