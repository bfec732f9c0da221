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
