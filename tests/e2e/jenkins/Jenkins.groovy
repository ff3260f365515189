// Runs a declarative Jenkinsfile's stages: what its blocks say, with real shells.
// Usage: Jenkins.groovy JENKINSFILE WORKSPACE BUILD_NUMBER [NAME=SECRET …]; exits 1 when the build fails.

import java.util.concurrent.ExecutionException
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit

class Build {
    String result = 'SUCCESS'
    File workspace
    Map<String, String> secrets = [:]
    Map<String, String> parameters = [:]
    List<String> ran = Collections.synchronizedList([])

    synchronized void worsen(String to) { if (to == 'FAILURE') { result = to } }
}

/** A block: every word in it must be one that declarative pipelines have. */
class Block {
    Build build
    Map<String, String> env

    Object inside(Closure body, Object delegate = this) {
        Closure own = (Closure) body.clone()
        own.delegate = delegate
        own.resolveStrategy = Closure.DELEGATE_ONLY
        own.call()
    }
}

class Pipeline extends Block {
    Object any = 'any'
    List<Closure> afterwards = []

    void agent(Object where) { assert where == 'any' }
    void parameters(Closure body) { inside(body, new Parameters(build: build)) }
    void triggers(Closure body) { inside(body, new Triggers()) }
    void environment(Closure body) { inside(body, new Environment(env, build.secrets)) }
    void stages(Closure body) { env.putAll(build.parameters); inside(body, new Stages(build: build, env: env)) }
    void post(Closure body) { inside(body, new Post(build: build, env: env)) }
}

class Parameters extends Block {
    void string(Map it) { build.parameters.putIfAbsent(it.name, it.defaultValue) }
    void booleanParam(Map it) { build.parameters.putIfAbsent(it.name, it.defaultValue.toString()) }
    void choice(Map it) { build.parameters.putIfAbsent(it.name, it.choices[0]) }
}

class Triggers extends Block {
    void cron(String text) { assert text.readLines().last().split(/\s+/).size() == 5 }
}

class Environment {
    private final Map<String, String> scope
    private final Map<String, String> known

    Environment(Map<String, String> scope, Map<String, String> known) { this.scope = scope; this.known = known }
    Object getProperty(String name) { name == 'env' ? this.@scope : this.@scope[name] }
    void setProperty(String name, Object value) { this.@scope[name] = value.toString() }
    String credentials(String id) {
        assert this.@known.containsKey(id) : "no credentials ${id}"
        this.@known[id]
    }
}

class Stages extends Block {
    void stage(String name, Closure body) {
        println "[Pipeline] stage ${name}"
        if (build.result == 'ABORTED') { return }
        inside(body, new Stage(build: build, env: new LinkedHashMap(env), name: name))
    }
}

class Stage extends Block {
    String name

    void environment(Closure body) { inside(body, new Environment(env, build.secrets)) }
    void steps(Closure body) { build.ran << name; inside(body, new Steps(build: build, env: env)) }
    void parallel(Closure body) {
        Branches branches = new Branches()
        inside(body, branches)
        def pool = Executors.newFixedThreadPool(branches.made.size())
        def waiting = branches.made.collect { branch, inner ->
            pool.submit({ inside(inner, new Stage(build: build, env: new LinkedHashMap(env), name: branch)) })
        }
        try { waiting*.get() } catch (ExecutionException error) { throw error.cause } finally { pool.shutdown() }
    }
}

class Branches { Map<String, Closure> made = [:]; void stage(String name, Closure body) { made[name] = body } }

class Steps extends Block {
    void sh(String script) {
        def starting = new ProcessBuilder('sh', '-xe', '-c', script).directory(build.workspace).redirectErrorStream(true)
        starting.environment().putAll(env)
        def process = starting.start()
        process.inputStream.eachLine { println it }
        if (process.waitFor() != 0) { throw new RuntimeException("script returned exit code ${process.exitValue()}") }
    }
    void catchError(Map how, Closure body) {
        try { inside(body) } catch (RuntimeException error) {
            println "ERROR: ${error.message}"
            build.worsen(how.buildResult)
        }
    }
    void timeout(Map limit, Closure body) {
        def pool = Executors.newSingleThreadExecutor()
        try {
            pool.submit({ inside(body) }).get(limit.time as long, TimeUnit.valueOf(limit.unit))
        } catch (ExecutionException error) { throw error.cause } finally { pool.shutdownNow() }
    }
    Map string(Map what) { what }
    void withCredentials(List<Map> given, Closure body) {
        given.each {
            assert build.secrets.containsKey(it.credentialsId) : "no credentials ${it.credentialsId}"
            env[it.variable] = build.secrets[it.credentialsId]
        }
        try { inside(body) } finally { given.each { env.remove(it.variable) } }
    }
    void junit(Map what) {
        def file = new File(build.workspace, what.testResults.toString())
        if (!file.file && !what.allowEmptyResults) { throw new RuntimeException('No test report files were found') }
        if (file.file) { new groovy.xml.XmlSlurper().parse(file) }
        println "JUnit: ${file.file ? 1 : 0} files"
    }
    void archiveArtifacts(Map what) {
        def folder = new File(build.workspace, what.artifacts - '/**')
        def found = []
        if (folder.directory) { folder.eachFileRecurse { if (it.file) { found << it } } }
        if (!found && !what.allowEmptyArchive) { throw new RuntimeException('No artifacts found') }
        println "Archived ${found.size()} files"
    }
}

class Post extends Block {
    void always(Closure body) { inside(body, new Steps(build: build, env: env)) }
}

def build = new Build(workspace: new File(args[1]))
args.drop(3).each { pair -> def (name, value) = pair.split('=', 2); build.secrets[name] = value }
def env = new LinkedHashMap(System.getenv())
env.WORKSPACE = build.workspace.path
env.BUILD_NUMBER = args[2]
def shell = new GroovyShell(new Binding())
def script = shell.parse(new File(args[0]))
script.metaClass.pipeline = { Closure body ->
    Block all = new Pipeline(build: build, env: env)
    try { all.inside(body) } catch (RuntimeException error) { println "ERROR: ${error.message}"; build.worsen('FAILURE') }
}
script.run()
println "Finished: ${build.result}"
System.exit(build.result == 'SUCCESS' ? 0 : 1)
