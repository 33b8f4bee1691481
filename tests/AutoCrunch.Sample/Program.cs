using AutoCrunch.Hosting;
using AutoCrunch.Sample;
using Microsoft.Extensions.Hosting;

HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Services.AddAutoCrunch(builder.Configuration, dispatchers =>
    dispatchers.Add("Catalogue", context => new CatalogueDispatcher(context)));
builder.Build().Run();
